#include "ops/conv2d.h"

#include "core/require.h"
#include "ops/composed.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
conv2d: x (B, H, W, C), w (out, kernel kernel C), b (out)  ->  y (B, H', W', out);   columns of w in the order (u, v, c)
        H' = floor((H + 2 pad - kernel) / stride) + 1, W' likewise

  forward   y[r, s, o] = b_o + sum_uvc w[o, uvc] x[r stride - pad + u, s stride - pad + v, c]         x = 0 outside
  backward  dx[i, j, c] = sum of w[o, uvc] dy[r, s, o] over the (r, s, u, v, o) that read (i, j);
            dw[o, uvc] = sum of dy[r, s, o] x[r stride - pad + u, s stride - pad + v, c];   db_o = sum of dy[., ., o]
  saves     x, w
  source    Dumoulin, Visin 2016, arXiv 1603.07285, relationship 6 (a cross-correlation, as the field's convolution is)
)";

}  // namespace

Var conv2d(const Var& x, const Var& w, const Var& b, int kernel, int stride, int pad) {
  require(x.shape().rank() == 4, "conv2d", "x", x, "(B, H, W, C)");
  require(kernel >= 1, "conv2d", "kernel", kernel, "at least 1");
  require(stride >= 1, "conv2d", "stride", stride, "at least 1");
  require(pad >= 0 && pad < kernel, "conv2d", "pad", pad, "at least 0 and less than kernel");
  require(x.shape()[1] + 2 * pad >= kernel && x.shape()[2] + 2 * pad >= kernel, "conv2d", "x", x,
          "(B, H, W, C) with H and W at least kernel - 2 pad");
  require(w.shape().rank() == 2 && w.shape()[1] == kernel * kernel * x.shape()[3], "conv2d", "w", w,
          "(out, kernel kernel C) with C = last size of x", "x", x);
  require(b.shape() == Shape{w.shape()[0]}, "conv2d", "b", b, "(out) with out = first size of w", "w", w);
  const Conv2dSizes s{x.shape()[0], x.shape()[1], x.shape()[2], x.shape()[3], w.shape()[0], kernel, stride, pad};
  const Kernels& k = x.kernels();
  Tensor y({s.batch, s.rows(), s.cols(), s.out}, x.dtype());
  k.conv2d(s, x.value().view(), w.value().view(), b.value().view(), y.view());
  return record("conv2d", y, {x, w, b},
                [&k, s, x = x.value(), w = w.value(), wanted = x.requires_grad()](const Tensor& dy) -> Grads {
                  Tensor dw(w.shape(), dy.dtype()), db({s.out}, dy.dtype()), dx;
                  if (wanted) dx = Tensor(x.shape(), dy.dtype());
                  k.conv2d_backward(s, dy.view(), x.view(), w.view(), dx.view(), dw.view(), db.view());
                  return {dx, dw, db};
                });
}

const OpInfo& conv2d_info() {
  static const OpInfo info{
      .name = "conv2d",
      .formula = formula,
      .inputs = {{"x", "(B, H, W, C)"}, {"w", "(out, kernel kernel C)"}, {"b", "(out)"}},
      .params = {{"kernel", 3.0, "side of the square kernel"},
                 {"stride", 1.0, "step between outputs"},
                 {"pad", 0.0, "zeros added on every side"}},
      .samples = {{"plain", {normal(1, 4, 3, 2), normal(2, 18), normal(2)}},
                  {"padded", {normal(2, 2, 3, 1), normal(2, 9), normal(2)}, {{"pad", 1.0}}},
                  {"strided", {normal(1, 5, 5, 1), normal(2, 9), normal(2)}, {{"stride", 2.0}, {"pad", 1.0}}},
                  {"patches", {normal(1, 4, 4, 1), normal(3, 4), normal(3)}, {{"kernel", 2.0}, {"stride", 2.0}}},
                  {"unread_border", {normal(1, 5, 4, 1), normal(1, 4), normal(1)}, {{"kernel", 2.0}, {"stride", 3.0}}},
                  {"one_by_one", {normal(1, 2, 2, 3), normal(2, 3), normal(2)}, {{"kernel", 1.0}}}},
      .errors = {{{"weight", {normal(1, 4, 4, 2), normal(3, 9), normal(3)}},
                  "[conv2d] w (3, 9) must be (out, kernel kernel C) with C = last size of x, got x (1, 4, 4, 2)"},
                 {{"bias", {normal(1, 4, 4, 1), normal(3, 9), normal(2)}},
                  "[conv2d] b (2) must be (out) with out = first size of w, got w (3, 9)"},
                 {{"small", {normal(1, 2, 4, 1), normal(3, 9), normal(3)}},
                  "[conv2d] x (1, 2, 4, 1) must be (B, H, W, C) with H and W at least kernel - 2 pad"},
                 {{"stride", {normal(1, 4, 4, 1), normal(3, 9), normal(3)}, {{"stride", 0.0}}},
                  "[conv2d] stride = 0 must be at least 1"},
                 {{"fraction", {normal(1, 4, 4, 1), normal(3, 9), normal(3)}, {{"kernel", 3.5}}},
                  "[conv2d] kernel = 3.5 must be a whole number from 0 to 1024"}},
      .apply = [](const Call& c) -> Outputs {
        return {conv2d(c[0], c[1], c[2], static_cast<int>(c.integer("kernel", 0, 1024)),
                       static_cast<int>(c.integer("stride", 0, 1024)), static_cast<int>(c.integer("pad", 0, 1024)))};
      },
      .reference = [](const Call& c) -> Outputs {
        return {composed::conv2d(c[0], c[1], c[2], static_cast<int>(c.integer("kernel", 0, 1024)),
                                 static_cast<int>(c.integer("stride", 0, 1024)),
                                 static_cast<int>(c.integer("pad", 0, 1024)))};
      }};
  return info;
}

}  // namespace triptych

#include "ops/gru_cell.h"

#include "core/require.h"
#include "ops/composed.h"
#include "ops/linear.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
gru_cell: x (n, in), h (n, d), w_x (3 d, in), w_h (3 d, d), b_x (3 d), b_h (3 d)  ->  y (n, d)
          rows of the weights in the order of the gates r, z, n

  forward   u = x W_x^T + b_x,   v = h W_h^T + b_h                                            two linear maps
            r = sig(u_r + v_r),   z = sig(u_z + v_z),   c = tanh(u_n + r v_n),   y = (1 - z) c + z h
  backward  dc = dy (1 - z) (1 - c^2);   dr = dc v_n r (1 - r);   dz = dy (h - c) z (1 - z)
            du = [dr, dz, dc];   dv = [dr, dz, dc r];   dh = dy z + dv W_h;   the rest as in linear
  saves     x, h, v, r, z, c
  source    Cho et al. 2014, arXiv 1406.1078, eq. 5-8, with the reset gate after the recurrent product (Chung et al.
            2014 and most libraries)
)";

}  // namespace

Var gru_gates(const Var& u, const Var& v, const Var& h) {
  const std::int64_t n = h.shape()[0], d = h.shape()[1];
  const Kernels& k = h.kernels();
  if (!k.gru_gates) return composed::gru_gates(u, v, h);
  Tensor y(h.shape(), h.dtype()), g({n, 3 * d}, h.dtype());
  k.gru_gates(u.value().view(), v.value().view(), h.value().view(), y.view(), g.view(), n, d);
  return record("gru_gates", y, {u, v, h}, [&k, v = v.value(), h = h.value(), g, n, d](const Tensor& dy) -> Grads {
    Tensor du(v.shape(), v.dtype()), dv(v.shape(), v.dtype()), dh(h.shape(), h.dtype());
    k.gru_gates_backward(dy.view(), v.view(), h.view(), g.view(), du.view(), dv.view(), dh.view(), n, d);
    return {du, dv, dh};
  });
}

Var gru_cell(const Var& x, const Var& h, const GruWeights& w) {
  require(x.shape().rank() == 2, "gru_cell", "x", x, "(n, in)");
  require(h.shape().rank() == 2 && h.shape()[0] == x.shape()[0], "gru_cell", "h", h, "(n, d) with n of x", "x", x);
  const std::int64_t in = x.shape()[1], d = h.shape()[1];
  require(w.w_x.shape() == Shape{3 * d, in}, "gru_cell", "w_x", w.w_x, "(3 d, in) with d = last size of h", "h", h);
  require(w.w_h.shape() == Shape{3 * d, d}, "gru_cell", "w_h", w.w_h, "(3 d, d) with d = last size of h", "h", h);
  require(w.b_x.shape() == Shape{3 * d}, "gru_cell", "b_x", w.b_x, "(3 d) with d = last size of h", "h", h);
  require(w.b_h.shape() == Shape{3 * d}, "gru_cell", "b_h", w.b_h, "(3 d) with d = last size of h", "h", h);
  return gru_gates(linear(x, w.w_x, w.b_x), linear(h, w.w_h, w.b_h), h);
}

const OpInfo& gru_cell_info() {
  static const OpInfo info{
      .name = "gru_cell",
      .formula = formula,
      .inputs = {{"x", "(n, in)"},
                 {"h", "(n, d)"},
                 {"w_x", "(3 d, in)"},
                 {"w_h", "(3 d, d)"},
                 {"b_x", "(3 d)"},
                 {"b_h", "(3 d)"}},
      .samples = {{"rows", {normal(4, 3), normal(4, 2), normal(6, 3), normal(6, 2), normal(6), normal(6)}},
                  {"one_row", {normal(1, 2), normal(1, 3), normal(9, 2), normal(9, 3), normal(9), normal(9)}},
                  {"width_one", {normal(3, 1), normal(3, 1), normal(3, 1), normal(3, 1), normal(3), normal(3)}}},
      .errors = {{{"rows", {normal(4, 3), normal(3, 2), normal(6, 3), normal(6, 2), normal(6), normal(6)}},
                  "[gru_cell] h (3, 2) must be (n, d) with n of x, got x (4, 3)"},
                 {{"input_weight", {normal(4, 3), normal(4, 2), normal(6, 2), normal(6, 2), normal(6), normal(6)}},
                  "[gru_cell] w_x (6, 2) must be (3 d, in) with d = last size of h, got h (4, 2)"},
                 {{"state_weight", {normal(4, 3), normal(4, 2), normal(6, 3), normal(4, 2), normal(6), normal(6)}},
                  "[gru_cell] w_h (4, 2) must be (3 d, d) with d = last size of h, got h (4, 2)"},
                 {{"bias", {normal(4, 3), normal(4, 2), normal(6, 3), normal(6, 2), normal(2), normal(6)}},
                  "[gru_cell] b_x (2) must be (3 d) with d = last size of h, got h (4, 2)"}},
      .apply = [](const Call& c) -> Outputs {
        return {gru_cell(c[0], c[1], {c[2], c[3], c[4], c[5]})};
      },
      .reference = [](const Call& c) -> Outputs {
        return {composed::gru_gates(composed::linear(c[0], c[2], c[4]), composed::linear(c[1], c[3], c[5]), c[1])};
      }};
  return info;
}

}  // namespace triptych

#include "ops/concat.h"

#include "ops/axis.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
concat: x_1, ..., x_n, equal in all sizes but that of `axis`  ->  y, that size summed

  forward   y = x_1, then x_2, ... along the axis
  backward  dx_i = the part of dy that came from x_i
  saves     nothing
  source    linearity
)";

}  // namespace

Var concat(std::span<const Var> xs, int axis) {
  const Var& first = xs.front();
  axis = checked_axis("concat", first, axis);
  InlineVector<Shape, 8> shapes;
  std::int64_t total = 0;
  for (const Var& x : xs) {
    require(
        x.shape().rank() == first.shape().rank() && with_size(x.shape(), axis, 0) == with_size(first.shape(), axis, 0),
        "concat", "x", x, "equal in all sizes but that of the axis", "first", first);
    total += x.shape()[axis];
    shapes.push_back(x.shape());
  }
  const Kernels& k = first.kernels();
  Tensor y(with_size(first.shape(), axis, total), first.dtype());
  const AxisView a(first.shape(), axis);
  const std::int64_t stride = total * a.inner;
  std::int64_t offset = 0;
  for (const Var& x : xs) {
    const std::int64_t width = x.shape()[axis] * a.inner;
    k.copy_block(x.value().view(), 0, width, y.view(), offset, stride, a.outer, width);
    offset += width;
  }
  return first.tape().record("concat", y, xs, [&k, shapes, axis, a, stride](const Tensor& dy) -> Grads {
    Grads g;
    std::int64_t from = 0;
    for (const Shape& shape : shapes) {
      Tensor dx(shape, dy.dtype());
      const std::int64_t width = shape[axis] * a.inner;
      k.copy_block(dy.view(), from, stride, dx.view(), 0, width, a.outer, width);
      from += width;
      g.push_back(std::move(dx));
    }
    return g;
  });
}

const OpInfo& concat_info() {
  static const OpInfo info{
      .name = "concat",
      .formula = formula,
      .inputs = {{"a", "(...)"},
                 {"b", "(...)", Kind::real, true},
                 {"c", "(...)", Kind::real, true},
                 {"d", "(...)", Kind::real, true}},
      .params = {{"axis", 0.0, "the axis joined; negative counts from the end"}},
      .samples = {{"rows", {normal(2, 3), normal(1, 3)}},
                  {"columns", {normal(3, 2), normal(3, 1), normal(3, 4)}, {{"axis", -1.0}}},
                  {"middle", {normal(2, 1, 3), normal(2, 2, 3)}, {{"axis", 1.0}}},
                  {"four", {normal(2), normal(1), normal(3), normal(1)}},
                  {"one", {normal(2, 3)}}},
      .errors = {{{"sizes", {normal(2, 3), normal(2, 4)}},
                  "[concat] x (2, 4) must be equal in all sizes but that of the axis, got first (2, 3)"},
                 {{"rank", {normal(2, 3), normal(3)}},
                  "[concat] x (3) must be equal in all sizes but that of the axis, got first (2, 3)"},
                 {{"axis", {normal(2, 3), normal(2, 3)}, {{"axis", 2.0}}}, "[concat] axis = 2 must be an axis of x"},
                 {{"fraction", {normal(2, 3), normal(2, 3)}, {{"axis", 0.5}}},
                  "[concat] axis = 0.5 must be a whole number from -8 to 8"}},
      .apply = [](const Call& c) -> Outputs {
        Vars present;
        for (const Var& x : c.in)
          if (x) present.push_back(x);
        return {concat(present, static_cast<int>(c.integer("axis", -8, 8)))};
      }};
  return info;
}

}  // namespace triptych

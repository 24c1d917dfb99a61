#include "ops/slice.h"

#include "ops/axis.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
slice: x (any shape), one axis, 0 <= begin < end <= its size  ->  y, that size end - begin

  forward   y = entries begin, ..., end - 1 of the axis
  backward  dx = dy in those entries, 0 in the others
  saves     nothing
  source    linearity
)";

}  // namespace

Var slice(const Var& x, int axis, std::int64_t begin, std::int64_t end) {
  axis = checked_axis("slice", x, axis);
  const std::int64_t size = x.shape()[axis];
  require(begin >= 0 && begin < end, "slice", "begin", static_cast<double>(begin), "in [0, end)");
  require(end <= size, "slice", "end", static_cast<double>(end), "at most the size of the axis");
  const Kernels& k = x.kernels();
  const AxisView a(x.shape(), axis);
  const std::int64_t width = (end - begin) * a.inner, stride = size * a.inner, offset = begin * a.inner;
  Tensor y(with_size(x.shape(), axis, end - begin), x.dtype());
  k.copy_block(x.value().view(), offset, stride, y.view(), 0, width, a.outer, width);
  return record("slice", y, {x},
                [&k, shape = x.shape(), outer = a.outer, width, stride, offset](const Tensor& dy) -> Grads {
                  Tensor dx(shape, dy.dtype());
                  k.fill(dx.view(), dx.size(), 0);
                  k.copy_block(dy.view(), 0, width, dx.view(), offset, stride, outer, width);
                  return {dx};
                });
}

const OpInfo& slice_info() {
  static const OpInfo info{
      .name = "slice",
      .formula = formula,
      .inputs = {{"x", "(...)"}},
      .params = {{"axis", 0.0, "negative counts from the end"},
                 {"begin", 0.0, "first entry taken"},
                 {"end", 1.0, "one past the last entry taken"}},
      .samples = {{"rows", {normal(4, 3)}, {{"begin", 1.0}, {"end", 3.0}}},
                  {"columns", {normal(3, 5)}, {{"axis", -1.0}, {"begin", 2.0}, {"end", 4.0}}},
                  {"middle", {normal(2, 3, 2)}, {{"axis", 1.0}, {"begin", 2.0}, {"end", 3.0}}},
                  {"all", {normal(3)}, {{"end", 3.0}}}},
      .errors = {{{"end", {normal(2, 3)}, {{"end", 3.0}}}, "[slice] end = 3 must be at most the size of the axis"},
                 {{"empty", {normal(2, 3)}, {{"begin", 1.0}}}, "[slice] begin = 1 must be in [0, end)"},
                 {{"axis", {normal(2, 3)}, {{"axis", -3.0}}}, "[slice] axis = -3 must be an axis of x"},
                 {{"fraction", {normal(2, 3)}, {{"end", 1.5}}},
                  "[slice] end = 1.5 must be a whole number from 0 to 9007199254740992"}},
      .apply = [](const Call& c) -> Outputs {
        return {slice(c[0], static_cast<int>(c.integer("axis", -8, 8)), c.integer("begin"), c.integer("end"))};
      }};
  return info;
}

}  // namespace triptych

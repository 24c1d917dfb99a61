#include "ops/reshape.h"

#include <charconv>

#include "core/require.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
reshape: x (any shape)  ->  y, another shape of as many entries

  forward   y = x, read in row-major order
  backward  dx = dy under the shape of x
  saves     nothing (shares storage, copies nothing)
  source    linearity
)";

// "2,3" or "2 3" to (2, 3); the empty text is rank 0.
Shape parse_shape(std::string_view text) {
  std::vector<std::int64_t> sizes;
  for (const char *at = text.data(), *end = at + text.size(); at != end;) {
    std::int64_t size = 0;
    const auto [next, error] = std::from_chars(at, end, size);
    if (error != std::errc{} || size < 0) {
      ++at;
      continue;
    }
    sizes.push_back(size);
    at = next;
  }
  return Shape(sizes);
}

}  // namespace

Var reshape(const Var& x, const Shape& shape) {
  if (shape.count() != x.value().size()) require(false, "reshape", "x", x, "of as many entries as " + shape.text());
  return record("reshape", x.value().reshaped(shape), {x},
                [from = x.shape()](const Tensor& dy) -> Grads { return {dy.reshaped(from)}; });
}

const OpInfo& reshape_info() {
  static const OpInfo info{
      .name = "reshape",
      .formula = formula,
      .inputs = {{"x", "(...)"}},
      .params = {{"shape", std::string(), "the new sizes, such as 2,3"}},
      .samples = {{"matrix", {normal(3, 4)}, {{"shape", std::string("2,6")}}},
                  {"more_axes", {normal(6)}, {{"shape", std::string("1,2,3")}}},
                  {"to_one_value", {normal(1, 1)}}},
      .errors = {{{"count", {normal(2, 3)}, {{"shape", std::string("4,2")}}},
                  "[reshape] x (2, 3) must be of as many entries as (4, 2)"}},
      .apply = [](const Call& c) -> Outputs { return {reshape(c[0], parse_shape(c.text("shape")))}; }};
  return info;
}

}  // namespace triptych

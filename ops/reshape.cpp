#include "ops/reshape.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/error.h"
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
Shape parse_shape(const std::string& text) {
  std::vector<std::int64_t> sizes;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();  // entries that the sizes so far leave room for
  const char *at = text.data(), *end = at + text.size();
  for (bool more = !text.empty(); more; ++at) {
    std::int64_t size = 0;
    const auto [next, error] = std::from_chars(at, end, size);
    more = next != end;
    if (error != std::errc{} || size < 0 || size > most || (more && *next != ',' && *next != ' '))
      throw Error(Exit::input, "op.parameter",
                  "[reshape] shape = '" + escape_text(text) + "' must be sizes such as 2,3");
    most /= std::max<std::int64_t>(size, 1);
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
                  "[reshape] x (2, 3) must be of as many entries as (4, 2)"},
                 {{"sign", {normal(2, 3)}, {{"shape", std::string("2,-3")}}},
                  "[reshape] shape = '2,-3' must be sizes such as 2,3"},
                 {{"comma", {normal(2, 3)}, {{"shape", std::string("2,3,")}}},
                  "[reshape] shape = '2,3,' must be sizes such as 2,3"}},
      .apply = [](const Call& c) -> Outputs { return {reshape(c[0], parse_shape(c.text("shape")))}; }};
  return info;
}

}  // namespace triptych

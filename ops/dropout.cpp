#include "ops/dropout.h"

#include "core/require.h"
#include "core/rng.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
dropout: x (any shape), 0 <= p < 1  ->  y, shape of x

  forward   y_i = x_i k_i / (1 - p),   k_i = 1 with probability 1 - p, else 0
  backward  dx_i = dy_i k_i / (1 - p)
  saves     k / (1 - p)
  draws     k_i from Philox: counter (i / 4, stream), word i mod 4; the same for any thread count and after a resume
  source    Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting" (inverted form)
)";

Tensor draw_keep(const Shape& shape, DType dtype, double p, std::uint64_t seed, std::uint64_t stream) {
  Tensor keep(shape, dtype);
  const double kept = 1 / (1 - p), limit = p * 4294967296.0;
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  for (std::int64_t i = 0; i < keep.size(); i += 4) {
    const auto block = static_cast<std::uint64_t>(i / 4);
    const auto words =
        philox({low(block), low(block >> 32), low(stream), low(stream >> 32)}, {low(seed), low(seed >> 32)});
    for (std::int64_t j = i; j < std::min(i + 4, keep.size()); ++j)
      keep.set(j, words[static_cast<std::size_t>(j - i)] >= limit ? kept : 0);
  }
  return keep;
}

Tensor product(const Kernels& k, const Tensor& x, const Tensor& keep) {
  Tensor y(x.shape(), x.dtype());
  k.binary(Binary::mul, x.view(), keep.view(), y.view(), y.size(), y.size());
  return y;
}

}  // namespace

Var dropout(const Var& x, double p, std::uint64_t seed, std::uint64_t stream) {
  require(p >= 0 && p < 1, "dropout", "p", p, "in [0, 1)");
  if (p == 0) return x;
  const Kernels& k = x.kernels();
  const Tensor keep = draw_keep(x.shape(), x.dtype(), p, seed, stream);
  return record("dropout", product(k, x.value(), keep), {x},
                [&k, keep](const Tensor& dy) -> Grads { return {product(k, dy, keep)}; });
}

const OpInfo& dropout_info() {
  static const OpInfo info{
      .name = "dropout",
      .formula = formula,
      .inputs = {{"x", "(...)"}},
      .params = {{"p", 0.5, "probability of a zero"}, {"seed", 0.0, "of the run"}, {"stream", 0.0, "of this call"}},
      .samples = {{"half", {normal(3, 5)}}, {"rarely", {normal(7)}, {{"p", 0.1}, {"seed", 3.0}, {"stream", 2.0}}}},
      .errors = {{{"certain", {normal(3)}, {{"p", 1.0}}}, "[dropout] p = 1 must be in [0, 1)"},
                 {{"seed", {normal(3)}, {{"seed", -1.0}}},
                  "[dropout] seed = -1 must be a whole number from 0 to 9007199254740992"}},
      .apply = [](const Call& c) -> Outputs {
        return {dropout(c[0], c.number("p"), static_cast<std::uint64_t>(c.integer("seed")),
                        static_cast<std::uint64_t>(c.integer("stream")))};
      }};
  return info;
}

}  // namespace triptych

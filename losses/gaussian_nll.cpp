#include "losses/gaussian_nll.h"

#include <cmath>
#include <numbers>

#include "core/require.h"
#include "losses/mse.h"
#include "ops/add.h"
#include "ops/scale.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
gaussian_nll: a (..., d), b like a, mask = leading axes of a, optional  ->  value ()

  forward   L = mean over real rows of (1 / 2v) sum_k (a_k - b_k)^2 + (d / 2) log(2 pi v),   v = variance
  backward  da = (a - b) / (v N),   db = -da,   N = real rows
  saves     what mse saves
  edge      no real row: L = 0 and no gradient
  source    Kingma & Welling 2014, arXiv 1312.6114, appendix C.2, with a fixed variance
)";

bool any(const Var& mask) {
  for (std::int64_t i = 0; i < mask.value().size(); ++i)
    if (mask.value().at(i) != 0) return true;
  return false;
}

}  // namespace

Var gaussian_nll(const Var& a, const Var& b, const Var& mask, double variance) {
  require(a.shape().rank() >= 1 && a.value().size() > 0, "gaussian_nll", "a", a, "(..., d), not empty");
  require(b.shape() == a.shape(), "gaussian_nll", "b", b, "of the shape of a", "a", a);
  require(variance > 0, "gaussian_nll", "variance", variance, "greater than 0");
  require(!mask || mask.shape().rank() < a.shape().rank(), "gaussian_nll", "mask", mask, "of whole rows of a", "a", a);
  const auto d = static_cast<double>(a.shape().back());
  const Var squares = scale(mse(a, b, mask), d / (2 * variance));
  if (mask && !any(mask)) return squares;
  const double constant = d / 2 * std::log(2 * std::numbers::pi * variance);
  return add(squares, a.tape().constant(Tensor::scalar(constant, a.dtype())));
}

const OpInfo& gaussian_nll_info() {
  static const OpInfo info{
      .name = "gaussian_nll",
      .formula = formula,
      .inputs = {{"a", "(..., d)"}, {"b", "(..., d)"}, {"mask", "(...)", Kind::constant, true}},
      .params = {{"variance", 1.0, "of the noise, the same for all columns"}},
      .samples = {{"matrix", {normal(4, 3), normal(4, 3)}},
                  {"masked_tokens", {normal(2, 3, 4), normal(2, 3, 4), list({2, 3}, {1, 1, 0, 1, 0, 0})}},
                  {"narrow", {normal(3, 2), normal(3, 2)}, {{"variance", 0.1}}}},
      .errors = {{{"shape", {normal(2, 3), normal(3, 2)}},
                  "[gaussian_nll] b (3, 2) must be of the shape of a, got a (2, 3)"},
                 {{"variance", {normal(3), normal(3)}, {{"variance", 0.0}}},
                  "[gaussian_nll] variance = 0 must be greater than 0"},
                 {{"entries", {normal(2, 3), normal(2, 3), fill(1, {2, 3})}},
                  "[gaussian_nll] mask (2, 3) must be of whole rows of a, got a (2, 3)"}},
      .apply = [](const Call& c) -> Outputs { return {gaussian_nll(c[0], c[1], c[2], c.number("variance"))}; }};
  return info;
}

}  // namespace triptych

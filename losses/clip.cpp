#include "losses/clip.h"

#include <string>

#include "core/require.h"
#include "losses/diagonal_cross_entropy.h"
#include "losses/shapes.h"
#include "ops/add.h"
#include "ops/exp.h"
#include "ops/matmul.h"
#include "ops/mul.h"
#include "ops/row_normalise.h"
#include "ops/scale.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
clip: a (n, d), b (n, d), [c, d, e, f (n, d)], logit_scale ()  ->  value ()

  forward   S = e^logit_scale u(a) u(b)^T,  u = rows of length 1;   L(a,b) = (CE_rows(S) + CE_columns(S)) / 2, targets
            on the diagonal;   value = mean of L over the unordered pairs of modalities
  backward  dS = (softmax_rows(S) + softmax_columns(S) - 2 I) / (2 n);   dlogit_scale = sum_ij dS_ij S_ij
  saves     unit rows, and softmax of S and of S^T for each pair
  stable    no clamp in here: inside the forward it would stop the gradient of logit_scale for good once at the cap
  source    Radford et al. 2021, arXiv 2103.00020, figure 3; the mean over pairs for more than two modalities is ours
)";

}  // namespace

Var clip(std::span<const Var> codes, const Var& logit_scale) {
  require(codes.size() >= 2, "clip", "number of modalities", static_cast<double>(codes.size()), "at least 2");
  require_codes("clip", "a", codes[0], 1);
  for (std::size_t m = 1; m < codes.size(); ++m)
    require(codes[m].shape() == codes[0].shape(), "clip", std::string(1, static_cast<char>('a' + m)), codes[m],
            "of the shape of a", "a", codes[0]);
  require(logit_scale.shape().rank() == 0, "clip", "logit_scale", logit_scale, "()");
  const Var factor = exp(logit_scale);
  Vars units;
  for (const Var& z : codes) units.push_back(row_normalise(z));
  Var total;
  for (std::size_t i = 0; i + 1 < codes.size(); ++i) {
    const Var scaled = mul(units[i], factor);
    for (std::size_t j = i + 1; j < codes.size(); ++j) {
      const Var pair = symmetric_cross_entropy(matmul(scaled, units[j], false, true));
      total = total ? add(total, pair) : pair;
    }
  }
  const auto m = static_cast<double>(codes.size());
  return codes.size() == 2 ? total : scale(total, 2 / (m * (m - 1)));
}

const OpInfo& clip_info() {
  static const OpInfo info{
      .name = "clip",
      .formula = formula,
      .inputs = {{"a", "(n, d)"},
                 {"b", "(n, d)"},
                 {"c", "(n, d)", Kind::real, true},
                 {"d", "(n, d)", Kind::real, true},
                 {"e", "(n, d)", Kind::real, true},
                 {"f", "(n, d)", Kind::real, true},
                 {"logit_scale", "()"}},
      .samples = {{"two", {normal(5, 3), normal(5, 3), absent(), absent(), absent(), absent(), fill(0.7, {})}},
                  {"three", {normal(4, 3), normal(4, 3), normal(4, 3), absent(), absent(), absent(), fill(0.2, {})}},
                  {"six",
                   {normal(3, 5), normal(3, 5), normal(3, 5), normal(3, 5), normal(3, 5), normal(3, 5),
                    fill(-0.5, {})}}},
      .errors = {{{"width", {normal(3, 2), normal(3, 4), absent(), absent(), absent(), absent(), normal()}},
                  "[clip] b (3, 4) must be of the shape of a, got a (3, 2)"},
                 {{"third", {normal(3, 2), normal(3, 2), normal(4, 2), absent(), absent(), absent(), normal()}},
                  "[clip] c (4, 2) must be of the shape of a, got a (3, 2)"},
                 {{"scale", {normal(3, 2), normal(3, 2), absent(), absent(), absent(), absent(), normal(1)}},
                  "[clip] logit_scale (1) must be ()"}},
      .apply = [](const Call& c) -> Outputs {
        Vars codes;
        for (std::size_t i = 0; i < 6; ++i)
          if (c[i]) codes.push_back(c[i]);
        return {clip(codes, c[6])};
      }};
  return info;
}

}  // namespace triptych

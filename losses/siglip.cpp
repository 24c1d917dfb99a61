#include "losses/siglip.h"

#include "core/require.h"
#include "losses/shapes.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/cross_entropy.h"
#include "ops/exp.h"
#include "ops/matmul.h"
#include "ops/mul.h"
#include "ops/reshape.h"
#include "ops/row_normalise.h"
#include "ops/scale.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
siglip: a (n, d), b (n, d), logit_scale (), bias ()  ->  value ()

  forward   x_ij = e^logit_scale u(a)_i . u(b)_j + bias,  y_ij = 1 where i = j, else -1,  u = rows of length 1
            L = -(1/n) sum_ij log sigmoid(y_ij x_ij)            all n^2 pairs, divided by n and not by n^2
  backward  dx = -y sigmoid(-y x) / n;   dbias = sum dx;   dlogit_scale = sum dx (x - bias)
  saves     unit rows, and the two probabilities of every pair
  stable    computed as the softmax cross-entropy of the logits (x, 0), which never exponentiates a positive number
  source    Zhai, Mustafa, Kolesnikov, Beyer 2023, arXiv 2303.15343, eq. 1 and Algorithm 1
)";

}  // namespace

Var siglip(const Var& a, const Var& b, const Var& logit_scale, const Var& bias) {
  require_pairs("siglip", a, b, 1);
  require(logit_scale.shape().rank() == 0, "siglip", "logit_scale", logit_scale, "()");
  require(bias.shape().rank() == 0, "siglip", "bias", bias, "()");
  const std::int64_t n = a.shape()[0];
  const Var x = add(matmul(mul(row_normalise(a), exp(logit_scale)), row_normalise(b), false, true), bias);
  // Two classes a pair: column 0 says "same sample", column 1 has the fixed logit 0.
  const Var other = a.tape().constant(Tensor::zeros({n * n, 1}, a.dtype()));
  Tensor target({n * n}, DType::i32);
  for (std::int64_t i = 0; i < n * n; ++i) target.data<std::int32_t>()[i] = i / n == i % n ? 0 : 1;
  const Var logits[] = {reshape(x, {n * n, 1}), other};
  return scale(cross_entropy(concat(logits, 1), a.tape().constant(target)), static_cast<double>(n));
}

const OpInfo& siglip_info() {
  static const OpInfo info{
      .name = "siglip",
      .formula = formula,
      .inputs = {{"a", "(n, d)"}, {"b", "(n, d)"}, {"logit_scale", "()"}, {"bias", "()"}},
      .samples = {{"batch", {normal(5, 3), normal(5, 3), fill(0.8, {}), fill(-1.5, {})}},
                  {"two_rows", {normal(2, 4), normal(2, 4), fill(0.1, {}), fill(0.3, {})}}},
      .errors = {{{"width", {normal(3, 2), normal(3, 4), normal(), normal()}},
                  "[siglip] b (3, 4) must be of the shape of a, got a (3, 2)"},
                 {{"scale", {normal(3, 2), normal(3, 2), normal(2), normal()}}, "[siglip] logit_scale (2) must be ()"},
                 {{"bias", {normal(3, 2), normal(3, 2), normal(), normal(3)}}, "[siglip] bias (3) must be ()"}},
      .apply = [](const Call& c) -> Outputs { return {siglip(c[0], c[1], c[2], c[3])}; }};
  return info;
}

}  // namespace triptych

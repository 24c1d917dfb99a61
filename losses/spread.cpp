#include "losses/spread.h"

#include "ops/add.h"
#include "ops/matmul.h"
#include "ops/mean.h"
#include "ops/mul.h"
#include "ops/relu.h"
#include "ops/scale.h"
#include "ops/sqrt.h"
#include "ops/square.h"
#include "ops/sum.h"
#include "ops/sum_rows.h"

namespace triptych {

Var standard_deviation_hinge(const Var& zc, double gamma, double eps) {
  Tape& tape = zc.tape();
  const auto number = [&](double x) { return tape.constant(Tensor::scalar(x, zc.dtype())); };
  const Var variance = scale(sum_rows(square(zc)), 1 / static_cast<double>(zc.shape()[0] - 1));
  const Var deviation = sqrt(add(variance, number(eps)));
  return mean(relu(add(scale(deviation, -1), number(gamma))));
}

Var off_diagonal_covariance(const Var& zc) {
  const std::int64_t n = zc.shape()[0], d = zc.shape()[1];
  Tensor weight = Tensor::full({d, d}, zc.dtype(), 1 / static_cast<double>(n - 1));
  for (std::int64_t k = 0; k < d; ++k) weight.set(k * d + k, 0);
  const Var c = mul(matmul(zc, zc, true), zc.tape().constant(weight));
  return scale(sum(square(c)), 1 / static_cast<double>(d));
}

}  // namespace triptych

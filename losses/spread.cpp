#include "losses/spread.h"

#include "losses/squared_entries.h"
#include "ops/add.h"
#include "ops/matmul.h"
#include "ops/mean.h"
#include "ops/relu.h"
#include "ops/scale.h"
#include "ops/sqrt.h"
#include "ops/square.h"
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
  const Var c = scale(matmul(zc, zc, true), 1 / static_cast<double>(n - 1));
  return squared_entries(c, 0, 0, 1 / static_cast<double>(d));
}

}  // namespace triptych

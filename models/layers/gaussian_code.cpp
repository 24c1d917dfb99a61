#include "models/layers/gaussian_code.h"

#include "models/generation/noise.h"
#include "ops/add.h"
#include "ops/exp.h"
#include "ops/mul.h"
#include "ops/scale.h"
#include "ops/slice.h"
#include "ops/tanh.h"

namespace triptych {

namespace {

constexpr double largest_logvar = 10;

}  // namespace

GaussianCode gaussian_code(Context& c, const Var& y) {
  const std::int64_t width = y.shape()[1] / 2;
  const Var mean = slice(y, 1, 0, width);
  const Var logvar = scale(tanh(scale(slice(y, 1, width, 2 * width), 1 / largest_logvar)), largest_logvar);
  if (!c.training()) return {{mean, logvar}, mean};
  const Context::Stream of = c.next_stream();
  Rng rng(of.seed, of.stream);
  const Var noise = c.tape().constant(normal_noise(mean.shape(), mean.dtype(), rng));
  return {{mean, logvar}, add(mean, mul(exp(scale(logvar, 0.5)), noise))};
}

}  // namespace triptych

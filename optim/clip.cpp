#include "optim/clip.h"

#include <cmath>

namespace triptych {

double global_norm(const Kernels& kernels, std::span<const Tensor> grads) {
  double square = 0;
  for (const Tensor& g : grads)
    if (g) square += kernels.dot(g.view(), g.view(), g.size());
  return std::sqrt(square);
}

double clip_factor(double norm, double max_norm) { return norm <= max_norm ? 1 : max_norm / norm; }

}  // namespace triptych

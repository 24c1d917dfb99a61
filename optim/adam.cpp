#include "optim/adam.h"

namespace triptych {

Adam::Adam(const Kernels& kernels, Parameters& parameters, const AdamOptions& options)
    : Optimizer(kernels, parameters, options.decoupled ? "adamw" : "adam", {"m", "v"}), options_(options) {}

void Adam::update(const Parameter& p, const Tensor& grad, Slot& slot, double lr, double grad_scale) const {
  const double decay = p.decayed() ? options_.weight_decay : 0;
  kernels().adam({.lr = lr,
                  .beta1 = options_.beta1,
                  .beta2 = options_.beta2,
                  .eps = options_.eps,
                  .weight_decay = options_.decoupled ? decay : 0,
                  .l2 = options_.decoupled ? 0 : decay,
                  .grad_scale = grad_scale,
                  .step = slot.steps},
                 p.value.view(), grad.view(), slot.buffers[0].view(), slot.buffers[1].view(), p.value.size());
}

}  // namespace triptych

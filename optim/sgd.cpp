#include "optim/sgd.h"

namespace triptych {
namespace {

std::vector<std::string_view> buffers(const SgdOptions& options) {
  if (options.momentum == 0) return {};
  return {"m"};
}

}  // namespace

Sgd::Sgd(const Kernels& kernels, Parameters& parameters, const SgdOptions& options)
    : Optimizer(kernels, parameters, "sgd", buffers(options)), options_(options) {}

void Sgd::update(const Parameter& p, const Tensor& grad, Slot& slot, double lr, double grad_scale) const {
  kernels().sgd({.lr = lr,
                 .momentum = options_.momentum,
                 .nesterov = options_.nesterov,
                 .l2 = p.decayed() ? options_.weight_decay : 0,
                 .grad_scale = grad_scale},
                p.value.view(), grad.view(), slot.buffers.empty() ? View{} : slot.buffers[0].view(), p.value.size());
}

}  // namespace triptych

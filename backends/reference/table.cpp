#include "backends/reference/naive.h"

namespace triptych {

const Kernels& reference_kernels() {
  static const Kernels table = [] {
    Kernels k{};
    k.name = "reference";
    reference::add_elementwise(k);
    reference::add_products(k);
    reference::add_vector_sets(k);
    reference::add_conv2d(k);
    reference::add_layout(k);
    reference::add_rows(k);
    reference::add_attention(k);
    reference::add_attend(k);
    reference::add_slots(k);
    reference::add_feed_forward(k);
    reference::add_expert_pool(k);
    reference::add_optimizer(k);
    return k;
  }();
  return table;
}

}  // namespace triptych

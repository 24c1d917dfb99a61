#include <omp.h>

#include <algorithm>
#include <atomic>

#include "backends/cpu/cpu.h"

namespace triptych {

const Kernels& cpu_kernels() {
  static const Kernels table = [] {
    Kernels k = reference_kernels();
    k.name = "cpu";
    cpu::add_elementwise(k);
    cpu::add_sums(k);
    cpu::add_gemm(k);
    cpu::add_vector_sets(k);
    cpu::add_layout(k);
    cpu::add_embedding(k);
    cpu::add_rows(k);
    cpu::add_layer_norm(k);
    cpu::add_attention(k);
    cpu::add_attend(k);
    cpu::add_slots(k);
    cpu::add_conv2d(k);
    cpu::add_feed_forward(k);
    cpu::add_expert_pool(k);
    cpu::add_optimizer(k);
    return k;
  }();
  return table;
}

namespace {
std::atomic<int>& setting() {
  static std::atomic<int> n = omp_get_max_threads();
  return n;
}
}  // namespace

void set_threads(int n) { setting() = std::max(1, n); }
int threads() { return setting(); }

}  // namespace triptych

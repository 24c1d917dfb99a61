#include <omp.h>

#include <algorithm>

#include "backends/cpu/cpu.h"

namespace triptych {

const Kernels& cpu_kernels() {
  static const Kernels table = [] {
    Kernels k = reference_kernels();
    k.name = "cpu";
    cpu::add_gemm(k);
    return k;
  }();
  return table;
}

// oneDNN's OpenMP build takes its number of threads from OpenMP, so one setting serves both.
void set_threads(int n) { omp_set_num_threads(std::max(1, n)); }
int threads() { return omp_get_max_threads(); }

}  // namespace triptych

// Shared by the cpu kernels: how each file adds its entries to the table.
#pragma once

#include "backends/reference/naive.h"

namespace triptych::cpu {

using reference::dispatch;

void add_gemm(Kernels& k);

}  // namespace triptych::cpu

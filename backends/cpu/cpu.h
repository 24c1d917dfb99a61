// Shared by the cpu kernels: how each file adds its entries to the table.
#pragma once

#include "backends/reference/naive.h"

namespace triptych::cpu {

using reference::dispatch;

void add_elementwise(Kernels& k);
void add_sums(Kernels& k);
void add_gemm(Kernels& k);
void add_vector_sets(Kernels& k);
void add_layout(Kernels& k);
void add_embedding(Kernels& k);
void add_rows(Kernels& k);
void add_layer_norm(Kernels& k);
void add_attention(Kernels& k);
void add_attend(Kernels& k);
void add_slots(Kernels& k);
void add_feed_forward(Kernels& k);
void add_expert_pool(Kernels& k);
void add_conv2d(Kernels& k);
void add_optimizer(Kernels& k);

}  // namespace triptych::cpu

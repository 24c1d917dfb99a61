// Shared by the reference kernels: dispatch on the dtype, and how each file adds its entries to the table.
#pragma once

#include <cmath>
#include <numbers>

#include "backends/backend.h"
#include "backends/mutant.h"

namespace triptych::reference {

// Calls f(T{}) with T = float or double.
template <class F>
void dispatch(DType dtype, F&& f) {
  if (dtype == DType::f32)
    f(float{});
  else
    f(double{});
}

// The standard normal's distribution and density: gelu(x) = x cdf(x), gelu'(x) = cdf(x) + x pdf(x).
inline double gelu_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
inline double gelu_pdf(double x) { return std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi); }

void add_elementwise(Kernels& k);
void add_products(Kernels& k);
void add_vector_sets(Kernels& k);
void add_conv2d(Kernels& k);
void add_layout(Kernels& k);
void add_rows(Kernels& k);
void add_attention(Kernels& k);
void add_attend(Kernels& k);
void add_slots(Kernels& k);
void add_feed_forward(Kernels& k);
void add_expert_pool(Kernels& k);
void add_optimizer(Kernels& k);

}  // namespace triptych::reference

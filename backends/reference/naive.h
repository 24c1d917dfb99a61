// Shared by the reference kernels: dispatch on the dtype, and how each file adds its entries to the table.
#pragma once

#include "backends/backend.h"

namespace triptych::reference {

// Calls f(T{}) with T = float or double.
template <class F>
void dispatch(DType dtype, F&& f) {
  if (dtype == DType::f32)
    f(float{});
  else
    f(double{});
}

void add_elementwise(Kernels& k);
void add_products(Kernels& k);
void add_layout(Kernels& k);
void add_rows(Kernels& k);
void add_optimizer(Kernels& k);

}  // namespace triptych::reference

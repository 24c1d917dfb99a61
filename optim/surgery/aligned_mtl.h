// Aligned-MTL: the gradients are made orthogonal and equally long, then averaged (Senushkin et al. 2023). Formula:
// aligned_mtl.cpp, `triptych explain aligned_mtl`.
#pragma once

#include "optim/surgery/method.h"

namespace triptych::surgery {

Vector aligned_mtl(const Gramian& g);

const Method& aligned_mtl_method();

}  // namespace triptych::surgery

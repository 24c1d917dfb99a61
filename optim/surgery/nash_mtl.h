// Nash-MTL: the bargain that no task can shift in its own favour (Navon et al. 2022). Formula: nash_mtl.cpp, `triptych
// explain nash_mtl`.
#pragma once

#include "optim/surgery/method.h"

namespace triptych::surgery {

Vector nash_mtl(const Gramian& g);

const Method& nash_mtl_method();

}  // namespace triptych::surgery

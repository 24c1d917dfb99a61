// IMTL-G: the step has equal projections on all gradients (Liu et al. 2021). Formula: imtl_g.cpp, `triptych explain
// imtl_g`.
#pragma once

#include "optim/surgery/method.h"

namespace triptych::surgery {

Vector imtl_g(const Gramian& g);

const Method& imtl_g_method();

}  // namespace triptych::surgery

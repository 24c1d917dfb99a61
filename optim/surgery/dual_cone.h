// Steps within the dual cone of the gradients, { x : J x >= 0 }: none of them conflicts with a task. UPGrad projects
// each gradient on it and takes the mean (Quinton, Rey 2024), DualProj projects the mean (Lopez-Paz, Ranzato 2017).
// Formulas: dual_cone.cpp, `triptych explain upgrad`, `triptych explain dualproj`.
#pragma once

#include "optim/surgery/method.h"

namespace triptych::surgery {

// reg >= 0 is added to the diagonal of J J^T / trace; 0 is exact.
Vector upgrad(const Gramian& g, double reg = 0);
Vector dualproj(const Gramian& g, double reg = 0);

const Method& upgrad_method();
const Method& dualproj_method();

}  // namespace triptych::surgery

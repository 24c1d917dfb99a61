#pragma once

#include "core/op_info.h"

namespace triptych {

// Soft orthogonality of two codes: a (n, da), b (n, db), n >= 1 -> (). With detach_norms the row lengths count as
// constants, as in the authors' program; the gradient differs from the full one. Throws Error(input) on other shapes.
// Hazarika, Zimmermann, Poria 2020, arXiv 2005.03545, eq. 8-9.
Var misa_difference(const Var& a, const Var& b, bool detach_norms = true);

const OpInfo& misa_difference_info();

}  // namespace triptych

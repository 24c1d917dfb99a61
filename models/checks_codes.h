// Gradient checks of the schemes that read tokens with queries or slots: every code they give, against finite
// differences in every parameter and in the tokens themselves.
#pragma once

#include <vector>

#include "models/checks.h"

namespace triptych {

std::vector<SchemeCheck> code_checks();
GradcheckResult run_code_check(const SchemeCheck& check, const Kernels& kernels);

}  // namespace triptych

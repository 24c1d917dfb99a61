// Gradient checks of whole schemes: the objective of a small model against finite differences in every parameter.
#pragma once

#include <string>
#include <vector>

#include "core/gradcheck.h"

namespace triptych {

struct SchemeCheck {
  std::string scheme, sample;
};
std::vector<SchemeCheck> scheme_checks();
GradcheckResult run(const SchemeCheck& check, const Kernels& kernels);

}  // namespace triptych

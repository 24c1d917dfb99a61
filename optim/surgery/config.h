// ConFIG: the direction of equal cosines, as long as the gradients say together (Liu, Chu, Thuerey 2024). Formula:
// config.cpp, `triptych explain config`.
#pragma once

#include "optim/surgery/method.h"

namespace triptych::surgery {

Vector config(const Gramian& g);

const Method& config_method();

}  // namespace triptych::surgery

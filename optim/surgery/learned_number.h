// LearnedNumber: one number of a loss weighting that Adam trains (optim/adam.h, betas 0.9 and 0.999, no decay).
#pragma once

#include "optim/surgery/weighting.h"

namespace triptych::surgery {

struct LearnedNumber {
  double value = 0, m = 0, v = 0, steps = 0;

  void step(double gradient, double lr);
  // Appends "<name>", "<name>.m", "<name>.v" and "<name>.steps".
  void remember(const std::string& name, Weighting::Memory& memory);
};

}  // namespace triptych::surgery

// Equal weights: the two baselines.
#pragma once

#include "optim/surgery/method.h"

namespace triptych::surgery {

const Method& mean_method();  // w_i = 1/m
const Method& sum_method();   // w_i = 1

}  // namespace triptych::surgery

// MGDA: the shortest vector in the convex hull of the gradients (Désidéri 2012). Formula: mgda.cpp, `triptych explain
// mgda`.
#pragma once

#include "optim/surgery/method.h"

namespace triptych::surgery {

Vector mgda(const Gramian& g);

const Method& mgda_method();

}  // namespace triptych::surgery

#pragma once

#include "models/factors.h"

namespace triptych {

// What an encoder makes of one modality. `h` is what the shared code is read from; `surface` is what the private code
// is read from: less processed, because style is on the surface (the same as h where an encoder has but one level).
// `target` is what private and shared code together must give back; it is a constant.
struct Encoded {
  Tokens h, surface;
  Var target;
};

// Each row of x (rows, cols) less its mean, divided by its standard deviation; a constant row becomes 0. In place.
void standardise_rows(Tensor& x);
// Each column over the rows of the batch, so that what is rare counts as much as what is common; deviations are kept
// above a tenth of their average, or what occurs once would count most.
Tensor standardised_columns(const Kernels& k, const Tensor& x);

}  // namespace triptych

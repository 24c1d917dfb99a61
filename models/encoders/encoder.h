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

// x (rows, cols) with each row less its mean and divided by its standard deviation; a constant row becomes 0. In place.
void standardise_rows(Tensor& x);
// The same column by column over the batch, so that what is rare counts as much as what is common; the deviation is
// kept above a tenth of the columns' average, or what occurs once would count most.
Tensor standardised_columns(const Tensor& x);

}  // namespace triptych

// How pictures are drawn, in numbers that say little of what they show: what a linear probe tells a style by.
#pragma once

#include "core/rng.h"
#include "core/tensor.h"

namespace triptych::app {

// pictures (n,H,W,3) of ink 0 ... 1, H and W even -> (n,1038): of the picture and of its half-size (means of 2 x 2),
// the shares of pixels in each of 8^3 colours, and of differences between neighbours of a channel in 7 classes bounded
// by 0.004, 0.012, 0.03, 0.06, 0.12, 0.25; square roots of all.
Tensor drawing_statistics(const Tensor& pictures);

// The same pictures as a careless printer gives them: one in two slightly blurred ([0.15 0.7 0.15] both ways), all with
// smooth noise of a grain of 1, 2, 4 or 8 pixels and a deviation between 0 and 0.06, kept within 0 ... 1. The style
// is the same; a probe that was fitted on clean pictures alone decides by whether the blank is blank.
Tensor worn(const Tensor& pictures, Rng& rng);

}  // namespace triptych::app

#pragma once

#include <cstdint>

namespace triptych {

// When the velocity is asked for in training.
enum class FlowTimes : std::uint8_t {
  uniform,
  logit_normal,  // t = sigmoid(n), n ~ N(-1/2, 1.4^2): more of early times, where what is shown is decided; late ones
                 // are not left out, or grain stays. Esser et al. 2024, arXiv 2403.03206, eq. 19
};

// What generates the tokens of a modality (models/generation/generator.h), and how it is trained.
struct GeneratorConfig {
  std::int64_t width = 64;    // d; pictures: a multiple of 4, at least 16
  int layers = 4;             // of the transformer; pictures: blocks of each level
  int heads = 4;              // feature tokens: a divisor of width
  std::int64_t samples = 64;  // of a batch that a step trains on, the first ones; 0: all of its first view
  double hide = 0.1;          // probability that training hides a sample's codes (k = 0): what guidance needs
  FlowTimes times = FlowTimes::logit_normal;

  // Where none is asked for (FlowSampling::guidance). Pictures gain whole outlines from twice as far; features would
  // only be stretched. Without training without codes there is nothing to go away from.
  double usual_guidance(bool pictures) const { return pictures && hide > 0 ? 2 : 1; }
};

}  // namespace triptych

// Objectives under a name: the source text's, one per scheme, and published variants of shared-private.
#pragma once

#include <string>
#include <vector>

#include "models/model.h"
#include "models/objective/term.h"

namespace triptych {

//   query-banks      InfoNCE on the shared codes + decorrelation of the private codes (whole cross-correlation to 0)
//                    + variance hinge, without which private codes that are 0 would be best
//   typed-slots      leakage penalty (soft permission; nothing leaks through a hard one) + alignment of the shared
//                    slots
//   shared-private   task (reconstruction) + alpha g(p) alignment + beta(p) decorrelation
//   modality-moe     CLIP + balance of each modality's experts
//
// All but shared-private, whose reconstruction does it, keep private codes from being 0 by the variance hinge and apart
// from the shared ones by the correlation.
// soft: the slots may read foreign tokens, so that there is a leakage to penalise.
std::vector<TermConfig> preset(const std::string& scheme, bool soft = false);

// "misa", "dcca", "vcca", "vcca-private", "clip", "infonce", "generative". With M modalities, their codes z_m and s_m:
//
//   misa          (2 / M(M-1)) sum_pairs CMD_5(s_a, s_b) + 0.3 (sum_m D(z_m, s_m) + sum_pairs D(z_a, z_b))
//                 + (1/M) sum_m |D_m [z_m; s_m] - x_m|^2 / d_m;  codes are sigmoids; the task head reads all codes
//   dcca          -sum of the canonical correlations of s_a and s_b, over pairs; deep encoders. Private codes are not
//                 trained
//   vcca          (1/M) sum_a [ KL(q(s|x_a) | N(0,I)) + sum_m -log N(x_m; D_m s_a, I) ];  codes are Gaussian. Private
//                 codes are not trained
//   vcca-private  the same with D_m [z_m; s_a], + sum_m KL(q(z_m|x_m) | N(0,I))
//   clip, infonce the objective of shared-private, with CLIP's learned scale or a fixed temperature
//   generative    for any scheme: flow matching of the tokens (of pictures with the likelihood of their colours) from
//                 [joint; z_m] + g(p) CLIP(s) + 0.001 sum_m KL(q(z_m|x_m) | N(0,I)) + 0.01 balance where there are
//                 experts; private codes are Gaussian. The four pull at the shared parameters in different directions:
//                 train.surgery (docs/surgery.md)
//
// The first four have no curriculum (bridge 0, 0), as published. Sources in docs/training.md.
const std::vector<std::string>& variants();
// Is there a router?
bool has_experts(const ModelConfig& model);
// What the model must be for a variant, before its objective and the user's own settings; nothing for "scheme" or an
// unknown name.
void set_variant(const std::string& name, ModelConfig& model);
// Its objective; that of the last scheme for "scheme". Throws Error(usage, "model.preset") naming the nearest.
std::vector<TermConfig> variant_objective(const std::string& name, const ModelConfig& model, std::size_t modalities);

}  // namespace triptych

// TermConfig: one entry of an objective. An objective is a list of them; its value is the sum of weight * loss.
//
//   [[objective]]
//   loss = "clip"           any loss of the registry that takes codes (`triptych compute --list`)
//   on = "shared"           which codes, or a list: see below
//   weight = 2.0            at the start; schedule and weight_end say how it goes on
//   schedule = "gate"       constant | gate (times g(p)) | linear | cosine (both from weight to weight_end)
//   name = "align"          in the metrics; LOSS.ON when absent
//   tau = 0.1               the loss's own parameters
//
// What `on` may name, and what a term sums over:
//   shared, private         losses of two codes (inputs a and b): every unordered pair of modalities; of one: every
//                           modality
//   private-shared          private and shared code of each modality
//   views.shared, views.private   the codes of one modality in its different views; nothing when a batch has one view
//   joint-tokens            the joint code before pooling (losses of one code in any shape)
//   private.NAME, shared.NAME, joint    that code; a loss of two codes takes a pair of them: ["private.a", "shared.b"]
//                           Losses of a distribution (kl_gaussian): of these codes, where they are Gaussian
//   reconstruction          (losses with a mask: mse, gaussian_nll) what is decoded from the private and shared code of
//                           each modality, against its target
//   cross-reconstruction    the same with the shared code of every modality in turn, mean over these
//   shared-reconstruction   from the shared code of every modality in turn alone
//   generation, generation.NAME   (flow_matching) the tokens of every modality that can be generated (features and
//                           pictures), or of that one, from [joint; private code]: models/objective/generation.h
//   task                    (cross_entropy, mse) what the task head predicts, against the labels
//   routing                 (losses of router gates or logits) every modality's routing in every layer
//   attention               (attention_leakage) every private bank or slot
//   slots                   (slot_count) adaptive slots
//
// Losses that compare the samples of a batch with each other (clip, info_nce, siglip, contrastive_distance) are taken
// per pair of views, mean over the pairs; all others on all views stacked. Samples that lack a modality are left out of
// every term that needs it; a term with fewer samples left than its loss can work on (two, or more: OpInfo::least_rows)
// is left out of the step.
#pragma once

#include <string>
#include <vector>

#include "core/op_info.h"

namespace triptych {

enum class WeightSchedule : std::uint8_t { constant, gate, linear, cosine };

struct TermConfig {
  std::string name, loss;
  std::vector<std::string> on;
  double weight = 1, weight_end = 1;
  WeightSchedule schedule = WeightSchedule::constant;
  Settings settings = {};
};

// progress p in [0,1], gate g(p).
double weight_at(const TermConfig& term, double progress, double gate);

std::string_view name_of(WeightSchedule schedule);
// Throws Error(usage, "objective.schedule") naming the nearest.
WeightSchedule parse_schedule(const std::string& name);

// LOSS.ON, for a term without a name: "clip.shared".
std::string default_name(const TermConfig& term);

}  // namespace triptych

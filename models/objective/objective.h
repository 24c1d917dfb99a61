// Objective: the terms of a config (term.h), evaluated on the codes of a batch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/batch.h"
#include "models/generation/generator_config.h"
#include "models/layers/init.h"
#include "models/objective/reconstruction.h"
#include "models/objective/task_head.h"
#include "models/objective/term_codes.h"
#include "models/scheme.h"

namespace triptych {

class Generation;

struct LossTerm {
  std::string_view name;
  Var value;          // unweighted
  double weight = 0;  // at this point of training
};
// What a training step minimises.
struct LossTerms {
  Var total;  // sum of weight * value; absent when no term acts (all weights 0)
  InlineVector<LossTerm, 16> terms;
  InlineVector<Routing, 8> routing;  // of the step, for its statistics
  // Terms that left something out: too few samples had the modalities it needs.
  InlineVector<std::string_view, 16> short_of_samples;
};

// What the terms of a step are computed from.
struct ObjectiveInputs {
  const Factors& factors;
  std::span<const Encoded> encoded;  // by the encoders
  std::int64_t views = 1;
  double progress = 1, gate = 1;
  Tensor labels = {};                              // models/model.h
  std::span<const ModalityBatch> modalities = {};  // the batch itself, for what generates it
};

class Objective {
 public:
  struct Sizes {
    std::vector<ModalitySpec> modalities;
    std::vector<std::int64_t> targets;  // widths of what is reconstructed
    std::int64_t private_width = 0, shared_width = 0;
    double logit_scale = 0;                                  // first value of the learned one
    bool gaussian_private = false, gaussian_shared = false;  // codes that have a distribution
    std::int64_t decoder_hidden = 0;
    std::vector<std::string> head = {};  // codes that the task head reads
    std::int64_t outputs = 0;            // of the task head
    GeneratorConfig generator = {};
  };
  // `tokens`: the scheme to ask for token-level decoding; null where codes are pooled before (a stack). Throws
  // Error(usage) as resolve() and head_codes() do, "objective.name" for two terms of one name, and "objective.on" for a
  // task without labels, for a distribution of codes that have none and for a modality that nothing generates.
  Objective(const Init& init, const std::vector<TermConfig>& terms, const Sizes& sizes, const Scheme* tokens);
  ~Objective();

  LossTerms evaluate(Context& c, const ObjectiveInputs& in) const;
  // What the task head predicts; absent without a term on = "task".
  Var predict(const Context& c, const Factors& f) const { return head_ ? (*head_)(c, f) : Var{}; }
  const Wanted& wanted() const { return wanted_; }  // of the last scheme
  // Null without a term on = "generation".
  const Generation* generation() const { return generation_.get(); }
  // What must hold of the learned scale after an optimizer step: it stays in [0, ln 100].
  void after_step(Parameters& parameters) const;

 private:
  struct Term {
    TermConfig config;
    const OpInfo* loss;
    TermCodes codes;
    bool per_view;  // compares samples with each other
  };
  Var value(Context& c, const Term& term, const ObjectiveInputs& in, bool& short_of_samples) const;
  Var of_codes(Context& c, const Term& term, const ObjectiveInputs& in, bool& short_of_samples) const;
  Var of_task(Context& c, const Term& term, const ObjectiveInputs& in, bool& short_of_samples) const;
  Var call(Context& c, const Term& term, std::span<const std::pair<std::string_view, Var>> inputs) const;

  std::vector<Term> terms_;
  std::optional<Reconstruction> reconstruction_;
  std::unique_ptr<Generation> generation_;
  std::optional<TaskHead> head_;
  ParameterId logit_scale_, logit_bias_;
  Wanted wanted_{.joint = false};
};

}  // namespace triptych

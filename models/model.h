// Model: encoders, a stack of schemes and an objective behind one interface, so that training, evaluation and export
// need not know which scheme it is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/batch.h"
#include "models/bridge.h"
#include "models/context.h"
#include "models/factors.h"
#include "models/generation/flow_sampling.h"
#include "models/generation/generator_config.h"
#include "models/modality_moe/modality_moe.h"
#include "models/objective/objective.h"
#include "models/query_banks/query_banks.h"
#include "models/scheme.h"
#include "models/typed_slots/typed_slots.h"

namespace triptych {

struct ModelConfig {
  // The stack: the first scheme reads the encoded modalities, every other one the codes of the scheme before.
  std::vector<std::string> scheme = {"shared-private"};
  std::vector<ModalitySpec> modalities;
  // Encoder of ready-made features: "mlp" (encoders/features.h), "deep" (encoders/deep.h, of encoder_layers layers),
  // "linear" (one projection) or "none" (as they are).
  std::string encoder = "mlp";
  std::string image_tokens = "mean";  // of a picture: one, or every position of its coarsest map ("map")
  std::int64_t encoder_layers = 2;
  std::int64_t width = 128;  // of encoded tokens
  // Of the codes; 0: as the last scheme makes them (all but shared-private: `width`).
  std::int64_t private_width = 64, shared_width = 64;
  // Codes of shared-private, when it is the last scheme: "linear", "sigmoid" (MISA) or "gaussian" (VCCA). Of any
  // scheme: "gaussian-private", whose private codes alone have a distribution (layers/gaussian_code.h), by a map of
  // their own.
  std::string code = "linear";
  std::int64_t decoder_hidden = 0;            // hidden units of the reconstruction; 0: a linear map
  std::vector<std::string> head = {"joint"};  // the codes that the task head reads
  std::int64_t outputs = 0;                   // of the task head: classes, or numbers to predict; 0: no head
  std::string ffn = "dense";  // query-banks with pre_norm: "dense" or "modality-moe" in the place of their FFN
  // Of the other schemes, whose width is the one above.
  QueryBanksConfig query_banks;
  TypedSlotsConfig typed_slots;
  ModalityMoeConfig moe;
  GeneratorConfig generator;  // of terms on = "generation"
  double dropout = 0;
  double logit_scale = 2.659;  // learned scale of contrastive terms at the start: ln(1 / 0.07)
  Bridge bridge;
  // Where the objective comes from: "scheme" (the preset of the last one) or a variant (objective/presets.h).
  std::string preset = "scheme";
  std::vector<TermConfig> objective;  // empty: the preset's
};

class Model {
 public:
  virtual ~Model() = default;
  // The terms of a training batch at progress p = step / steps.
  virtual LossTerms objective(Context& c, const Batch& batch, double progress) const = 0;
  // The codes of a batch (of one view). A modality whose values are null is skipped: its codes are absent, and the
  // joint code is read from the others. At least one must be there. Attention maps where `wanted` asks for them: those
  // of every scheme of a stack, the last one's first.
  virtual Factors factors(Context& c, const Batch& batch, const Wanted& wanted = {}) const = 0;
  // Did a term train a generator of modality m?
  virtual bool generates(std::size_t m) const = 0;
  // Tokens of modality m (generation/generated_tokens.h) from noise like them (n,L,D), what is shared (n,shared width:
  // objective/generation.h) and private codes of m (n,private width); mask (n,L) or null. Throws Error(usage,
  // "generate.none") when generates(m) is false, "generate.guidance" for guidance that training did not prepare.
  virtual Tensor generate(std::size_t m, const FlowNoise& noise, const Tensor& shared, const Tensor& private_code,
                          const Tensor& mask, const FlowSampling& how) const = 0;
  // What must hold of the parameters after an optimizer step (the logit scale stays in [0, ln 100]).
  virtual void after_step() = 0;

  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }
  const ModelConfig& config() const { return config_; }

 protected:
  explicit Model(ModelConfig config) : config_(std::move(config)) {}
  ModelConfig config_;
  Parameters parameters_;
};

// Throws Error(usage, "model.*") naming the keys when the configuration is impossible (unknown scheme with the nearest
// one, widths < 1, no modality), and what Objective throws.
std::unique_ptr<Model> make_model(const ModelConfig& config, DType dtype, std::uint64_t seed);

}  // namespace triptych

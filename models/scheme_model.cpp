#include "models/scheme_model.h"

#include <algorithm>

#include "core/error.h"
#include "models/layers/gaussian_code.h"
#include "models/objective/generation.h"
#include "models/objective/presets.h"
#include "models/schemes.h"
#include "ops/slice.h"

namespace triptych {

namespace {

// The tokens that a scheme made, masked where the sample lacks the modality they were made of.
Tokens only_of(const Tokens& made, const Var& has) {
  if (!has) return made;
  const std::int64_t batch = made.x.shape()[0], tokens = made.x.shape()[1];
  Tensor mask({batch, tokens}, has.dtype());
  for (std::int64_t i = 0; i < mask.size(); ++i)
    mask.set(i, has.value().at(i / tokens) != 0 && (!made.mask || made.mask.value().at(i) != 0) ? 1 : 0);
  return {made.x, has.tape().constant(mask)};
}

}  // namespace

SchemeModel::SchemeModel(const ModelConfig& config, DType dtype, std::uint64_t seed) : Model(config) {
  const Init init(parameters_, dtype, seed);
  std::vector<EncodedWidths> widths;
  Objective::Sizes sizes;
  sizes.modalities = config.modalities;
  for (const ModalitySpec& m : config.modalities) {
    encoders_.emplace_back(init, m, config);
    widths.push_back(encoders_.back().widths());
    sizes.targets.push_back(encoders_.back().target_width());
  }
  ModelConfig below = config;  // only the last scheme has codes of another kind
  below.code = "linear";
  for (std::size_t i = 0; i < config.scheme.size(); ++i) {
    const bool last = i + 1 == config.scheme.size();
    stack_.push_back(make_scheme(config.scheme[i], last ? config : below,
                                 i == 0 ? init : init.below("stack" + std::to_string(i)), widths, last));
    for (EncodedWidths& w : widths) w = {w.name, stack_.back()->shared_width(), stack_.back()->private_width(), false};
  }
  const Scheme& last = *stack_.back();
  sizes.private_width = config.private_width > 0 ? config.private_width : last.private_width();
  sizes.shared_width = config.shared_width > 0 ? config.shared_width : last.shared_width();
  const bool gaussian = config.code == "gaussian-private";
  if (gaussian || sizes.private_width != last.private_width())
    for (const EncodedWidths& w : widths)
      read_private_.emplace_back(init, w.name + ".readout", last.private_width(),
                                 (gaussian ? 2 : 1) * sizes.private_width);
  if (sizes.shared_width != last.shared_width())
    read_shared_.emplace(init.shared(), "shared.readout", last.shared_width(), sizes.shared_width);
  sizes.logit_scale = config.logit_scale;
  sizes.gaussian_shared = config.code == "gaussian";
  sizes.gaussian_private = gaussian || sizes.gaussian_shared;
  sizes.decoder_hidden = config.decoder_hidden;
  sizes.head = config.head;
  sizes.outputs = config.outputs;
  if (config_.objective.empty()) config_.objective = variant_objective(config.preset, config, config.modalities.size());
  sizes.generator = config.generator;
  const bool codes_at_tokens = stack_.size() == 1 && !gaussian;
  objective_ = std::make_unique<Objective>(init, config_.objective, sizes, codes_at_tokens ? stack_[0].get() : nullptr);
}

bool SchemeModel::generates(std::size_t m) const {
  return objective_->generation() && objective_->generation()->has(m);
}

SchemeModel::DataOnTape SchemeModel::enter(const Context& c, const Batch& batch, bool differentiate) const {
  DataOnTape data;
  for (std::size_t m = 0; m < encoders_.size(); ++m)
    data.push_back(encoders_[m].enter(c, batch.modalities[m], differentiate));
  return data;
}

InlineVector<Encoded, 8> SchemeModel::encode(Context& c, const DataOnTape& data) const {
  InlineVector<Encoded, 8> encoded;
  for (std::size_t m = 0; m < encoders_.size(); ++m) encoded.push_back(encoders_[m](c, data[m], config_.dropout));
  return encoded;
}

Factors SchemeModel::codes(Context& c, std::span<const Encoded> encoded, double gate, const Wanted& wanted) const {
  InlineVector<Encoded, 8> in;
  for (const Encoded& e : encoded) in.push_back(e);
  Factors f;
  std::size_t layers = 0;  // with experts, of the schemes before
  for (std::size_t i = 0; i < stack_.size(); ++i) {
    const bool last = i + 1 == stack_.size();
    Factors next =
        stack_[i]->factors(c, in, gate, last ? wanted : Wanted{.joint = false, .tokens = true, .maps = wanted.maps});
    for (AttentionMap& a : f.attention) next.attention.push_back(a);
    for (Routing& r : next.routing) r.layer += layers;
    for (const Routing& r : next.routing) layers = std::max(layers, r.layer + 1);
    for (Routing& r : f.routing) next.routing.push_back(r);
    for (Var& k : f.slot_keep) next.slot_keep.push_back(k);
    f = std::move(next);
    for (std::size_t m = 0; !last && m < in.size(); ++m)
      if (in[m].h.x) {
        const Var has = present(in[m].h.mask);
        in[m] = {only_of(f.shared_tokens[m], has), only_of(f.private_tokens[m], has), in[m].target};
      }
  }
  read_out(c, f);
  return f;
}

void SchemeModel::read_out(Context& c, Factors& f) const {
  const auto apply = [&](const Linear& map, Var& code) {
    if (code) code = map(c, code);
  };
  const bool gaussian = config_.code == "gaussian-private";
  for (std::size_t m = 0; m < read_private_.size(); ++m) {
    Var& code = f.private_codes[m];
    apply(read_private_[m], code);
    Var tokens = f.private_tokens.empty() ? Var{} : f.private_tokens[m].x;
    apply(read_private_[m], tokens);
    if (gaussian) {
      GaussianCode drawn = code ? gaussian_code(c, code) : GaussianCode{};
      f.private_gaussian.push_back(drawn.distribution);
      code = drawn.code;
      if (tokens) tokens = slice(tokens, 2, 0, tokens.shape()[2] / 2);  // the mean
    }
    if (tokens) f.private_tokens[m].x = tokens;
  }
  if (!read_shared_) return;
  for (Var& code : f.shared_codes) apply(*read_shared_, code);
  for (Tokens& tokens : f.shared_tokens) apply(*read_shared_, tokens.x);
  apply(*read_shared_, f.joint);
  apply(*read_shared_, f.joint_tokens.x);
}

Factors SchemeModel::factors(Context& c, const Batch& batch, const Wanted& wanted) const {
  return factors(c, enter(c, batch), 1, wanted);
}

Factors SchemeModel::factors(Context& c, const DataOnTape& data, double gate, const Wanted& wanted) const {
  Factors f = codes(c, encode(c, data), gate, wanted);
  f.task = objective_->predict(c, f);
  return f;
}

Tensor SchemeModel::generate(std::size_t m, const FlowNoise& noise, const Tensor& shared, const Tensor& private_code,
                             const Tensor& mask, const FlowSampling& how) const {
  if (!generates(m))
    throw Error(Exit::usage, "generate.none",
                "nothing was trained to generate '" + escape_text(config_.modalities[m].name, 64) + "'", {},
                "train with --preset generative, or a term of loss flow_matching on generation");
  return objective_->generation()->sample(parameters_, m, noise, shared, private_code, mask, how);
}

LossTerms SchemeModel::objective(Context& c, const Batch& batch, double progress) const {
  const auto encoded = encode(c, enter(c, batch));
  const double gate = config_.bridge.gate(progress);
  const Factors f = codes(c, encoded, gate, objective_->wanted());
  LossTerms terms = objective_->evaluate(c, {f, encoded, batch.views, progress, gate, batch.labels, batch.modalities});
  terms.routing = f.routing;
  return terms;
}

}  // namespace triptych

#include "models/encoders/modality.h"

namespace triptych {

ModalityEncoder::ModalityEncoder(const Init& init, const ModalitySpec& spec, const ModelConfig& config) {
  const std::int64_t width = config.width;
  switch (spec.kind) {
    case ModalityKind::image:
      encoder_.emplace<ImageEncoder>(init, spec.name, spec, width, config.image_tokens == "map");
      widths_ = {spec.name, width, appearance_width, false};
      target_width_ = appearance_width;
      break;
    case ModalityKind::ngrams:
      encoder_.emplace<NgramEncoder>(init, spec.name, spec.buckets, width);
      widths_ = {spec.name, NgramEncoder::h_width(width), NgramEncoder::profile_width, false};
      target_width_ = NgramEncoder::profile_width;
      break;
    default: {
      if (config.encoder == "mlp") encoder_.emplace<FeatureEncoder>(init, spec.name, spec.width, width);
      if (config.encoder == "deep")
        encoder_.emplace<DeepEncoder>(init, spec.name, spec.width, width, config.encoder_layers);
      if (config.encoder == "linear") encoder_.emplace<Linear>(init, spec.name + ".project", spec.width, width);
      const std::int64_t out = config.encoder == "none" ? spec.width : width;
      widths_ = {spec.name, out, out, true};
      target_width_ = spec.width;
    }
  }
}

ModalityInputs ModalityEncoder::enter(const Context& c, const ModalityBatch& b, bool differentiate) const {
  if (!b.values) return {};
  Tape& tape = c.tape();
  const auto real = [&](const Tensor& t) { return differentiate ? tape.variable(t) : tape.constant(t); };
  const auto fixed = [&](const Tensor& t) { return t ? tape.constant(t) : Var{}; };
  if (const auto* ngrams = std::get_if<NgramEncoder>(&encoder_))
    return {fixed(b.values), fixed(b.offset), {}, real(ngrams->surface_of(c, b.values, b.offset))};
  const Var x = real(b.values);
  const bool image = std::holds_alternative<ImageEncoder>(encoder_);
  return {x, {}, image ? Var{} : fixed(b.mask), image ? real(ImageEncoder::surface_of(x)) : Var{}};
}

Encoded ModalityEncoder::operator()(Context& c, const ModalityInputs& in, double dropout) const {
  const Var& x = in.values;
  if (!x) return {};
  if (const auto* image = std::get_if<ImageEncoder>(&encoder_)) return (*image)(c, x, in.surface, dropout);
  if (const auto* ngrams = std::get_if<NgramEncoder>(&encoder_)) return (*ngrams)(c, x, in.offset, in.surface, dropout);
  if (const auto* features = std::get_if<FeatureEncoder>(&encoder_)) return (*features)(c, {x, in.mask}, dropout);
  if (const auto* deep = std::get_if<DeepEncoder>(&encoder_)) return (*deep)(c, {x, in.mask}, dropout);
  const auto* project = std::get_if<Linear>(&encoder_);
  const Tokens h = {c.dropout(project ? (*project)(c, x) : x, dropout), in.mask};
  return {h, h, x};
}

}  // namespace triptych

#include "models/shared_private/model.h"

#include <algorithm>
#include <cmath>

#include "losses/clip.h"
#include "losses/mse.h"
#include "losses/variance_hinge.h"
#include "losses/xcorr.h"
#include "losses/xcov.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/scale.h"
#include "ops/slice.h"

namespace triptych {
namespace {

constexpr double largest_logit_scale = 4.605170185988092;  // ln 100

SharedPrivateConfig widths(const ModelConfig& config) {
  SharedPrivateConfig c{{}, config.private_width, config.shared_width};
  for (const ModalitySpec& m : config.modalities) switch (m.kind) {
      case ModalityKind::features: c.modalities.push_back({m.name, config.width, config.width, m.width}); break;
      case ModalityKind::image:
        c.modalities.push_back({m.name, config.width, ImageEncoder::appearance_width, ImageEncoder::appearance_width});
        break;
      case ModalityKind::ngrams:
        c.modalities.push_back(
            {m.name, NgramEncoder::h_width(config.width), NgramEncoder::profile_width, NgramEncoder::profile_width});
        break;
    }
  return c;
}

// View v of a code (views * n, d).
Var view(const Var& code, std::int64_t views, std::int64_t v) {
  const std::int64_t n = code.shape()[0] / views;
  return views == 1 ? code : slice(code, 0, v * n, (v + 1) * n);
}

Var plus(const Var& sum, const Var& term) { return sum ? add(sum, term) : term; }

}  // namespace

SharedPrivateModel::Encoder SharedPrivateModel::make_encoder(const Init& init, const ModalitySpec& spec) const {
  switch (spec.kind) {
    case ModalityKind::image: return ImageEncoder(init, spec.name, spec, config_.width);
    case ModalityKind::ngrams: return NgramEncoder(init, spec.name, spec.buckets, config_.width);
    default: return FeatureEncoder(init, spec.name, spec.width, config_.width);
  }
}

SharedPrivateModel::SharedPrivateModel(const ModelConfig& config, DType dtype, std::uint64_t seed)
    : Model(config),
      encoders_([&] {
        std::vector<Encoder> list;
        for (const ModalitySpec& m : config.modalities) list.push_back(make_encoder({parameters_, dtype, seed}, m));
        return list;
      }()),
      scheme_({parameters_, dtype, seed}, widths(config)),
      logit_scale_(Init(parameters_, dtype, seed).shared().fill("logit_scale", {}, config.logit_scale)) {}

InlineVector<Encoded, 8> SharedPrivateModel::encode(Context& c, const Batch& batch) const {
  InlineVector<Encoded, 8> encoded;
  for (std::size_t m = 0; m < encoders_.size(); ++m) {
    const ModalityBatch& b = batch.modalities[m];
    if (!b.values) {
      encoded.push_back({});
      continue;
    }
    const Var x = c.tape().constant(b.values);
    if (const auto* image = std::get_if<ImageEncoder>(&encoders_[m]))
      encoded.push_back((*image)(c, x, config_.dropout));
    else if (const auto* ngrams = std::get_if<NgramEncoder>(&encoders_[m]))
      encoded.push_back((*ngrams)(c, x, c.tape().constant(b.offset), config_.dropout));
    else
      encoded.push_back(std::get<FeatureEncoder>(encoders_[m])(c, {x, b.mask ? c.tape().constant(b.mask) : Var{}}));
  }
  return encoded;
}

Factors SharedPrivateModel::factors(Context& c, const Batch& batch) const {
  const auto encoded = encode(c, batch);
  return scheme_.factors(c, encoded);
}

Var SharedPrivateModel::reconstruction(const Context& c, const Factors& f, std::span<const Encoded> encoded,
                                       std::int64_t views) const {
  Var sum;
  for (std::size_t m = 0; m < encoded.size(); ++m) {
    const Encoded& e = encoded[m];
    if (e.surface.x == e.h.x) {
      sum = plus(sum, mse(scheme_.reconstruct(c, m, e.h.x), e.target, e.h.mask));
      continue;
    }
    Vars turned;  // the shared codes of views 1, 2, ..., 0
    for (std::int64_t v = 0; v < views; ++v) turned.push_back(view(f.shared_codes[m], views, (v + 1) % views));
    const Var shared = views == 1 ? f.shared_codes[m] : concat(turned, 0);
    sum = plus(sum, mse(scheme_.decode(c, m, f.private_codes[m], shared), e.target));
  }
  return sum;
}

Var SharedPrivateModel::alignment(const Context& c, const Factors& f, std::int64_t views) const {
  Var sum;
  int pairs = 0;
  for (std::size_t a = 0; a < f.shared_codes.size(); ++a)
    for (std::size_t b = a + 1; b < f.shared_codes.size(); ++b)
      for (std::int64_t i = 0; i < views; ++i)
        for (std::int64_t j = 0; j < views; ++j, ++pairs) {
          const Var pair[] = {view(f.shared_codes[a], views, i), view(f.shared_codes[b], views, j)};
          sum = plus(sum, clip(pair, c[logit_scale_]));
        }
  return scale(sum, 1.0 / pairs);
}

Var SharedPrivateModel::view_alignment(const Context& c, const Factors& f, std::int64_t views) const {
  Var sum;
  for (const Var& code : f.shared_codes) {
    Vars of_one;
    for (std::int64_t v = 0; v < views; ++v) of_one.push_back(view(code, views, v));
    sum = plus(sum, clip(of_one, c[logit_scale_]));
  }
  return sum;
}

Var SharedPrivateModel::decorrelation(const Factors& f) const {
  const auto correlation = config_.decorrelation == "xcov" ? xcov : xcorr;
  Var sum;
  for (std::size_t a = 0; a < f.private_codes.size(); ++a) {
    sum = plus(sum, correlation(f.private_codes[a], f.shared_codes[a]));
    for (std::size_t b = a + 1; b < f.private_codes.size(); ++b)
      sum = plus(sum, correlation(f.private_codes[a], f.private_codes[b]));
  }
  return sum;
}

Objective SharedPrivateModel::objective(Context& c, const Batch& batch, double progress) const {
  const auto encoded = encode(c, batch);
  const Factors f = scheme_.factors(c, encoded);
  const double gate = config_.bridge.gate(progress);
  const double beta = config_.decorrelate_start + (config_.decorrelate_end - config_.decorrelate_start) * progress;

  Objective o;
  const auto term = [&](std::string_view name, double weight, auto&& value) {
    if (weight == 0) return;  // a term that is switched off costs nothing
    o.terms.push_back({name, value(), weight});
    const Var weighted =
        weight == 1 ? o.terms[o.terms.size() - 1].value : scale(o.terms[o.terms.size() - 1].value, weight);
    o.total = plus(o.total, weighted);
  };
  term("reconstruct", config_.reconstruct, [&] { return reconstruction(c, f, encoded, batch.views); });
  term("align", config_.align * gate, [&] { return alignment(c, f, batch.views); });
  if (batch.views > 1)
    term("align_views", config_.align_views * gate, [&] { return view_alignment(c, f, batch.views); });
  term("decorrelate", beta, [&] { return decorrelation(f); });
  term("variance", config_.variance, [&] {
    Var sum;
    for (const Var& z : f.private_codes) sum = plus(sum, variance_hinge(z));
    for (const Var& s : f.shared_codes) sum = plus(sum, variance_hinge(s));
    return sum;
  });
  return o;
}

void SharedPrivateModel::after_step() {
  Tensor& scale = parameters_[logit_scale_].value;
  scale.set(0, std::clamp(scale.at(0), 0.0, largest_logit_scale));
}

}  // namespace triptych

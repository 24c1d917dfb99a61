#include "app/synthetic_source.h"

#include <utility>

#include "app/run_hash.h"

namespace triptych::app {
namespace {

constexpr std::int64_t identifiability_rows = 20480, disentangled_rows = 20000;

ModalitySpec features(std::string name, const Tensor& x) {
  ModalitySpec spec;
  spec.name = std::move(name);
  spec.tokens = 1;
  spec.width = x.shape()[1];
  return spec;
}

ModalityBatch tokens(const Tensor& x) { return {x.reshaped({x.shape()[0], 1, x.shape()[1]}), {}, {}}; }

Factor real(std::string name, const Tensor& values, Factor::Holder holder) {
  return {.name = std::move(name), .classes = {}, .labels = {}, .holder = holder, .values = values};
}

constexpr std::uint64_t evaluation_series = ~std::uint64_t{0};  // no seed of a run: those are below 2^53

}  // namespace

SyntheticSource::SyntheticSource(const DataConfig& config) {
  Hash hash;
  hash.add(config.source).add(static_cast<std::uint64_t>(config.seed));
  if (config.source == "synthetic:disentangled") {
    add_disentangled(config);
  } else {
    add_identifiability(config);
    hash.add(std::to_string(config.change)).add(std::uint64_t{config.statistical}).add(std::uint64_t{config.causal});
  }
  fingerprint_ = hash.text();
  split();
}

void SyntheticSource::add_identifiability(const DataConfig& config) {
  data::IdentifiabilityOptions options;
  options.change = config.change;
  options.statistical = config.statistical;
  options.causal = config.causal;
  process_.emplace(options, static_cast<std::uint64_t>(config.seed));
  what_ = std::string("two views of shared content, ") + (config.statistical || config.causal ? "" : "in") +
          "dependent factors";
  const data::IdentifiabilitySamples s = process_->draw(evaluation_series, 0, identifiability_rows);
  using enum Factor::Holder;
  for (std::size_t m = 0; m < 2; ++m)
    add(features(m == 0 ? "x1" : "x2", s.x[m]), tokens(s.x[m]),
        {real("content", s.content, shared), real("style", s.style[m], own), real("modality", s.own[m], own),
         real("other_modality", s.own[1 - m], foreign)});
}

void SyntheticSource::add_disentangled(const DataConfig& config) {
  what_ = "two linear views with labels of each factor";
  const data::LinearViews views = data::linear_views(disentangled_rows, static_cast<std::uint64_t>(config.seed));
  using enum Factor::Holder;
  const auto factors = [&](Factor::Holder first, Factor::Holder last) {
    const std::vector<std::string> classes{"low", "high"};
    return std::vector<Factor>{{.name = "z1", .classes = classes, .labels = views.labels[0], .holder = first},
                               {.name = "zs", .classes = classes, .labels = views.labels[1], .holder = shared},
                               {.name = "z2", .classes = classes, .labels = views.labels[2], .holder = last}};
  };
  add(features("x", views.x), tokens(views.x), factors(own, foreign));
  add(features("y", views.y), tokens(views.y), factors(foreign, own));
}

void SyntheticSource::train_batch(std::uint64_t seed, std::int64_t step, std::int64_t items, Batch& to) {
  if (!process_) return RowSource::train_batch(seed, step, items, to);
  const data::IdentifiabilitySamples s = process_->draw(seed, static_cast<std::uint64_t>(step), items);
  to.views = 1;
  to.modalities.resize(2);
  for (std::size_t m = 0; m < 2; ++m) to.modalities[m] = tokens(s.x[m]);
}

std::string SyntheticSource::description() const {
  return "synthetic: " + what_ + "; " + (process_ ? "fresh samples for training, " : "") +
         std::to_string(train_items()) + " rows " + (process_ ? "to fit probes" : "for training") + ", " +
         std::to_string(test_items()) + " held out";
}

}  // namespace triptych::app

#include "models/layers/moe_feed_forward.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/rng.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/linear.h"
#include "ops/matmul.h"
#include "ops/moe_feed_forward.h"
#include "ops/moe_pool.h"
#include "ops/reshape.h"
#include "ops/softmax.h"

namespace triptych {
namespace {

constexpr double router_deviation = 0.02;  // a wider one saturates the softmax at once

void check(const MoeConfig& c) {
  const auto refuse = [](const std::string& message) { throw Error(Exit::usage, "model.moe", message); };
  if (c.experts < 1 || c.shared_experts < 1)
    refuse("moe: a cluster needs an expert, got experts = " + std::to_string(c.experts) +
           " and shared_experts = " + std::to_string(c.shared_experts));
  if (c.k < 1 || c.k > c.experts + c.shared_experts)
    refuse("moe: k = " + std::to_string(c.k) + " must be in [1, " + std::to_string(c.experts + c.shared_experts) +
           "], the experts of a modality and the shared ones together");
  if (!(c.foreign_penalty >= 0) || !(c.noise >= 0) || !(c.capacity >= 0) || c.hidden < 0)
    refuse("moe: foreign_penalty, noise, capacity and hidden must not be negative");
}

// (T,experts), 1 = a real token; absent without padding.
Var routable(const Var& mask, std::int64_t experts) {
  if (!mask) return {};
  const std::int64_t tokens = mask.value().size();
  Tensor rows({tokens, experts}, mask.dtype());
  for (std::int64_t i = 0; i < tokens * experts; ++i) rows.set(i, mask.value().at(i / experts) != 0 ? 1 : 0);
  return mask.tape().constant(rows);
}

Tensor noise(const Tensor& like, double deviation, const Context::Stream& from) {
  Tensor n(like.shape(), like.dtype());
  Rng rng(from.seed, from.stream);
  for (std::int64_t i = 0; i < n.size(); ++i) n.set(i, deviation * rng.normal());
  return n;
}

// Mean entropy of the rows of p that are not all zero, and their mean mass on the columns from `foreign` on.
template <class T>
void measure(const Tensor& p, std::int64_t foreign, Routing& to) {
  const std::int64_t experts = p.shape()[1];
  double rows = 0;
  for (const T *row = p.data<T>(), *end = row + p.size(); row < end; row += experts) {
    double total = 0;
    for (std::int64_t e = 0; e < experts; ++e) {
      total += row[e];
      if (row[e] > 0) to.entropy -= row[e] * std::log(static_cast<double>(row[e]));
      if (e >= foreign) to.leakage += row[e];
    }
    rows += total > 0;
  }
  if (rows > 0) to.entropy /= rows, to.leakage /= rows;
}

// Shares of the choices by expert, before dropping, and of those that were dropped.
void count(const Tensor& chosen, const Tensor& kept, std::int64_t experts, Routing& to) {
  const std::int32_t *before = chosen.data<std::int32_t>(), *after = kept.data<std::int32_t>();
  double choices = 0;
  to.load.resize(static_cast<std::size_t>(experts));
  for (std::int64_t i = 0; i < chosen.size(); ++i) {
    if (before[i] < 0) continue;
    ++choices;
    ++to.load[static_cast<std::size_t>(before[i])];
    to.dropped += after[i] < 0;
  }
  if (choices == 0) return;
  for (double& share : to.load) share /= choices;
  to.dropped /= choices;
}

}  // namespace

MoeFeedForward::MoeFeedForward(const Init& init, const std::string& name, std::span<const std::string> modalities,
                               std::int64_t width, const MoeConfig& config)
    : config_(config) {
  check(config);
  const std::int64_t hidden = config.hidden > 0 ? config.hidden : 4 * width;
  const double in = 1 / std::sqrt(static_cast<double>(width)), out = 1 / std::sqrt(static_cast<double>(hidden));
  const auto cluster = [&](const Init& to, const std::string& at, std::int64_t n) {
    clusters_.push_back({to.normal(at + ".router", {n, width}, router_deviation),
                         to.uniform(at + ".w1", {n, hidden, width}, in), to.uniform(at + ".b1", {n, hidden}, in),
                         to.uniform(at + ".w2", {n, width, hidden}, out), to.uniform(at + ".b2", {n, width}, out), n});
  };
  for (const std::string& m : modalities) {
    cluster(init, name + "." + m, config.experts);
    embedding_.push_back(init.normal(name + "." + m + ".embedding", {width}, router_deviation));
  }
  cluster(init.shared(), name + ".shared", config.shared_experts);
}

Var MoeFeedForward::logits(const Context& c, const Var& x, std::size_t reader, double gate,
                           std::span<const std::size_t> clusters) const {
  Vars rows;
  std::int64_t experts = 0;
  for (const std::size_t i : clusters) rows.push_back(c[clusters_[i].router]), experts += clusters_[i].experts;
  const Var w = rows.size() == 1 ? rows[0] : concat(rows, 0);
  if (reader == shared()) return linear(x, w, {});
  const std::int64_t d = w.shape()[1];
  Var bias = reshape(matmul(w, reshape(c[embedding_[reader]], {d, 1})), {experts});
  if (gate < 1 || config_.foreign_penalty > 0) {
    Tensor shift({experts}, x.dtype());
    std::int64_t e = 0;
    for (const std::size_t i : clusters)
      for (const std::int64_t end = e + clusters_[i].experts; e < end; ++e)
        shift.set(e, i == reader ? 0 : i == shared() ? std::log(gate) : -config_.foreign_penalty);
    bias = add(bias, x.tape().constant(shift));
  }
  return linear(x, w, bias);
}

MoeFeedForward::Routed MoeFeedForward::route(Context& c, const Tokens& x, std::size_t reader, double gate) const {
  Routed r;
  r.clusters.push_back(reader);
  if (reader != shared() && gate > 0) r.clusters.push_back(shared());
  std::int64_t experts = 0;
  for (const std::size_t i : r.clusters) experts += clusters_[i].experts;
  const std::int64_t foreign = experts;
  if (reader != shared() && config_.foreign_penalty > 0)
    for (std::size_t i = 0; i < shared(); ++i)
      if (i != reader) r.clusters.push_back(i), experts += clusters_[i].experts;

  const Shape& s = x.x.shape();
  const Var real = routable(x.mask, experts);
  r.routing.modality = reader;
  r.routing.logits = logits(c, reshape(x.x, {s[0] * s[1], s[2]}), reader, gate, r.clusters);
  r.routing.probs = softmax(r.routing.logits, real);
  if (foreign < experts) {
    Tensor allowed = Tensor::zeros({experts}, x.x.dtype());
    for (std::int64_t e = 0; e < foreign; ++e) allowed.set(e, 1);
    r.routing.allowed = c.tape().constant(allowed);
  }
  if (x.mask) r.routing.mask = reshape(x.mask, {s[0] * s[1]});
  const int k = static_cast<int>(std::min<std::int64_t>(config_.k, experts));
  Var noisy = r.routing.probs;
  if (config_.noise > 0 && c.training()) {
    r.routing.noise = c.tape().constant(noise(r.routing.logits.value(), config_.noise, c.next_stream()));
    noisy = softmax(add(r.routing.logits, r.routing.noise), real);
  }
  r.top = top_k_gates(noisy, k, k > 1);
  const Tensor chosen = r.top.index.value(), &probs = r.routing.probs.value();
  Tensor kept = chosen;
  if (config_.capacity > 0 && c.training()) {
    kept = drop_overflow(chosen, noisy.value(), expert_capacity(chosen, experts, config_.capacity), config_.drop_order);
    r.top.index = c.tape().constant(kept);
  }
  probs.dtype() == DType::f32 ? measure<float>(probs, foreign, r.routing) : measure<double>(probs, foreign, r.routing);
  count(chosen, kept, experts, r.routing);
  return r;
}

// The choices that went to a cluster, counted from its first expert; -1 for all others.
Var MoeFeedForward::index_in(const Routed& r, std::size_t cluster) const {
  std::int32_t first = 0;
  for (const std::size_t i : r.clusters) {
    if (i == cluster) break;
    first += static_cast<std::int32_t>(clusters_[i].experts);
  }
  const auto experts = static_cast<std::int32_t>(clusters_[cluster].experts);
  const Tensor& all = r.top.index.value();
  Tensor own(all.shape(), DType::i32);
  std::transform(all.data<std::int32_t>(), all.data<std::int32_t>() + all.size(), own.data<std::int32_t>(),
                 [=](std::int32_t e) { return e >= first && e < first + experts ? e - first : -1; });
  return r.top.index.tape().constant(own);
}

Var MoeFeedForward::tokens(const Context& c, const Var& x, const Routed& r, std::size_t cluster) const {
  const Cluster& e = clusters_[cluster];
  const Shape s = x.shape();
  const Var y = moe_feed_forward(reshape(x, {s[0] * s[1], s[2]}), r.top.gates, index_in(r, cluster), c[e.w1], c[e.b1],
                                 c[e.w2], c[e.b2]);
  return reshape(y, s);
}

Var MoeFeedForward::pooled(const Context& c, const Var& x, const Routed& r, std::size_t cluster) const {
  const Cluster& e = clusters_[cluster];
  return moe_pool(x, r.top.gates, index_in(r, cluster), c[e.w1], c[e.b1], c[e.w2], c[e.b2]);
}

Var MoeFeedForward::operator()(Context& c, const Tokens& x, std::size_t reader, double gate, Routing* routing) const {
  const Routed r = route(c, x, reader, gate);
  if (routing) *routing = r.routing;
  Var sum;
  for (const std::size_t i : r.clusters) {
    const Var y = tokens(c, x.x, r, i);
    sum = sum ? add(sum, y) : y;
  }
  return sum;
}

}  // namespace triptych

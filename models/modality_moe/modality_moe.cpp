#include "models/modality_moe/modality_moe.h"

#include "ops/add.h"
#include "ops/masked_mean.h"
#include "ops/reshape.h"
#include "ops/scale.h"
#include "ops/scale_rows.h"

namespace triptych {
namespace {

std::vector<std::string> names(std::span<const EncodedWidths> modalities) {
  std::vector<std::string> list;
  for (const EncodedWidths& m : modalities) list.push_back(m.name);
  return list;
}

Var plus(const Var& sum, const Var& term) { return sum ? add(sum, term) : term; }

// A sum over the tokens of each sample, (B,d), divided by the number of its real ones.
Var mean_of_sum(const Var& sum, const Tokens& over) {
  const std::int64_t batch = over.x.shape()[0], tokens = over.x.shape()[1];
  if (!over.mask) return scale(sum, 1 / static_cast<double>(tokens));
  Tensor share({batch}, sum.dtype());
  for (std::int64_t b = 0; b < batch; ++b) {
    double n = 0;
    for (std::int64_t t = 0; t < tokens; ++t) n += over.mask.value().at(b * tokens + t) != 0;
    share.set(b, n > 0 ? 1 / n : 0);
  }
  return scale_rows(sum, sum.tape().constant(share));
}

}  // namespace

ModalityMoe::ModalityMoe(const Init& init, std::span<const EncodedWidths> modalities, const ModalityMoeConfig& config)
    : config_(config), experts_(init, "experts", names(modalities), config.width, config.experts) {
  for (const EncodedWidths& m : modalities) {
    Head head;
    const std::int64_t width = config.width;
    if (m.h != width) head.to_width.emplace(m.same ? init : init.shared(), m.name + ".to_width", m.h, width);
    if (!m.same || config.private_residual)
      head.surface.emplace(init, m.name + ".surface", m.same ? width : m.surface, width);
    heads_.push_back(head);
  }
}

Factors ModalityMoe::factors(Context& c, std::span<const Encoded> encoded, double gate, const Wanted& wanted) const {
  Factors f;
  for (std::size_t m = 0; m < heads_.size(); ++m) {
    const Head& head = heads_[m];
    const auto& [h, surface, target] = encoded[m];
    if (!h.x) {
      f.private_codes.push_back({});
      f.shared_codes.push_back({});
      if (wanted.tokens) f.private_tokens.push_back({}), f.shared_tokens.push_back({});
      continue;
    }
    // All parts of a code are of its tokens, or of the means over them.
    const auto residual = [&](const Tokens& x) { return wanted.tokens ? x.x : masked_mean(x.x, x.mask); };
    const auto part = [&](const Tokens& x, const MoeFeedForward::Routed& routed, std::size_t cluster) {
      return wanted.tokens ? experts_.tokens(c, x.x, routed, cluster)
                           : mean_of_sum(experts_.pooled(c, x.x, routed, cluster), x);
    };
    const bool same = surface.x == h.x;
    const Tokens x{head.to_width ? (*head.to_width)(c, h.x) : h.x, h.mask};
    MoeFeedForward::Routed routed = experts_.route(c, x, m, gate);
    routed.routing.code = same ? "both" : "shared";
    Var shared_code = residual(x), private_code;
    if (same && config_.private_residual) private_code = (*head.surface)(c, shared_code);
    for (const std::size_t cluster : routed.clusters) {
      const bool is_shared = cluster == experts_.shared();
      if (!is_shared && !same) continue;
      const Var y = part(x, routed, cluster);
      if (is_shared || config_.block_code) shared_code = add(shared_code, y);
      if (!is_shared) private_code = plus(private_code, y);
    }
    f.routing.push_back(routed.routing);
    if (!same) {
      const Tokens u{(*head.surface)(c, surface.x), surface.mask};
      MoeFeedForward::Routed own = experts_.route(c, u, m, 0);
      own.routing.code = "private";
      if (config_.private_residual) private_code = residual(u);
      for (const std::size_t cluster : own.clusters) private_code = plus(private_code, part(u, own, cluster));
      f.routing.push_back(own.routing);
    }
    if (wanted.tokens) {
      f.private_tokens.push_back({private_code, surface.mask});
      f.shared_tokens.push_back({shared_code, h.mask});
      private_code = masked_mean(private_code, surface.mask);
      shared_code = masked_mean(shared_code, h.mask);
    }
    f.private_codes.push_back(private_code);
    f.shared_codes.push_back(shared_code);
  }
  if (wanted.joint || wanted.joint_tokens) f.joint = mean_of_present(f.shared_codes, encoded);
  if (wanted.joint_tokens) f.joint_tokens = {reshape(f.joint, {f.joint.shape()[0], 1, config_.width}), {}};
  return f;
}

}  // namespace triptych

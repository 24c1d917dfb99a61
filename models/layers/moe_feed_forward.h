// Mixture of feed-forward experts in typed clusters: one cluster for each modality and one that all share.
//
//   logits  l_te = W_r,e (x_t + e_m) + log g [e shared] - b [e of another modality]     no bias; e_m embeds the
//   modality probs   p_t = softmax over the experts open to modality m: its own, the shared ones while g > 0, and the
//   others
//           only under soft permission (b > 0)
//   output  y_t = sum of gate_te f_e(x_t) over the k largest; k = 1: gate = p, k >= 2: gates divided by their sum
//
// It can stand where a FeedForward stands. Padding is not routed, takes no capacity and enters no statistic. While
// training, noise may enter the choice and `capacity` drops choices, each modality within its own tokens; evaluation is
// without noise and drops nothing. With dropping by
// position a token's fate depends on the tokens before it, so on the order of the samples in the batch.
// Switch (Fedus et al. 2022), V-MoE (Riquelme et al. 2021), typed as in LIMoE's setting.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "models/context.h"
#include "models/factors.h"
#include "models/layers/init.h"
#include "ops/expert_capacity.h"
#include "ops/top_k_gates.h"

namespace triptych {

struct MoeConfig {
  std::int64_t experts = 2, shared_experts = 2;  // of each modality's cluster; of the shared one
  std::int64_t hidden = 0;                       // of an expert; 0: four times the width
  int k = 1;                                     // experts a token is sent to
  double foreign_penalty = 0;  // b; 0: hard permission, the experts of other modalities are out of reach
  double noise = 0;            // standard deviation of what is added to the logits before choosing, in training only
  double capacity = 0;         // factor over an even load; 0: nothing is dropped
  DropOrder drop_order = DropOrder::position;
};

class MoeFeedForward {
 public:
  // Throws Error(usage, "model.moe") for a cluster without experts, k past the experts open to a modality, a negative
  // penalty, noise, capacity or hidden width.
  MoeFeedForward(const Init& init, const std::string& name, std::span<const std::string> modalities, std::int64_t width,
                 const MoeConfig& config);

  // Clusters are numbered as the modalities; the last one is shared.
  std::size_t shared() const { return clusters_.size() - 1; }

  struct Routed {
    TopKGates top;                          // (T,k); index counts the open experts, cluster by cluster
    InlineVector<std::size_t, 8> clusters;  // the open ones
    Routing routing;
  };
  // Tokens (B,L,width) read for modality `reader`, or for the shared code (reader = shared(): its own cluster alone).
  // gate 0 closes the shared cluster to a modality.
  Routed route(Context& c, const Tokens& x, std::size_t reader, double gate) const;

  // What one open cluster adds to the tokens it serves, (B,L,width), and the same summed over each sample, (B,width).
  Var tokens(const Context& c, const Var& x, const Routed& routed, std::size_t cluster) const;
  Var pooled(const Context& c, const Var& x, const Routed& routed, std::size_t cluster) const;

  // As a layer: what all open clusters add. The residual is the caller's.
  Var operator()(Context& c, const Tokens& x, std::size_t reader, double gate, Routing* routing = nullptr) const;

 private:
  struct Cluster {
    ParameterId router, w1, b1, w2, b2;
    std::int64_t experts;
  };
  Var logits(const Context& c, const Var& x, std::size_t reader, double gate,
             std::span<const std::size_t> clusters) const;
  Var index_in(const Routed& routed, std::size_t cluster) const;

  MoeConfig config_;
  std::vector<Cluster> clusters_;
  std::vector<ParameterId> embedding_;  // of each modality
};

}  // namespace triptych

// Typed slots (scheme S2): Slot Attention (Locatello et al. 2020, arXiv 2006.15055) with a type and a mask for every
// slot. Slots of type 1..M are private to a modality, slots of type share read every modality alone (shared codes) and
// all together (joint code). All types share one attention and one GRU cell.
//
//   S <- slots + type;   T times:   U = read(q = LN S [+ type], k = v = LN tokens);   S <- GRU(U, S);   S <- S + MLP(LN
//   S)
//
//   keys      U by multi-head attention: every slot reads what it likes (layers/cross_attention.h)
//   compete   U by a softmax over slots, then a mean over tokens (ops/slot_competition.h): slots that read the same
//             tokens fight for them. No biases in q, k, v; with several heads the slots compete head by head
//
//   permission of slot k for token j:   1 own modality;   g share slots;   0 foreign, or e^-b when soft;   0 padding
//
// Private slots of modality m and the share slots that read m alone compete for its tokens when h and surface are the
// same; when they differ, private slots read the surface and share slots h. The joint slots compete with the private
// ones of all modalities; hard private slots do not feel that, or they would depend on foreign tokens. A slot without
// permission for any token keeps its value. At g = 0 the share slots are what they were at the start, without a
// gradient.
//
// Gradients: `full` through all iterations. `bilevel` (BO-QSA, Jia et al. 2023, arXiv 2210.08990): through the last one
// and straight to the initial slots. `implicit` (Chang et al. 2022, arXiv 2207.00787): one more iteration, the gradient
// of which stands for that of the fixed point; none reaches the initial slots. Both forget the iterations before.
//
// Adaptive count (AdaSlot, Fan et al. 2024, arXiv 2406.09196): every slot has a keep gate (ops/gumbel_keep.h) in its
// code's mean. Without noise and hard at evaluation, so the count is a function of the input.
#pragma once

#include <optional>
#include <vector>

#include "models/layers/cross_attention.h"
#include "models/layers/feed_forward.h"
#include "models/layers/gru_cell.h"
#include "models/layers/layer_norm.h"
#include "models/layers/project_tokens.h"
#include "models/scheme.h"
#include "models/typed_slots/slot_layout.h"

namespace triptych {

enum class SlotGradient : std::uint8_t { full, bilevel, implicit };

struct TypedSlotsConfig {
  std::int64_t width = 0;                            // d
  std::int64_t private_slots = 6, shared_slots = 4;  // of each modality, of type share
  int iterations = 3;
  int heads = 1;        // a divisor of d
  bool compete = true;  // else keys
  bool soft = false;    // foreign tokens are not forbidden but count e^-ban
  double ban = 4;
  bool norms = true;          // LN of tokens and slots
  bool mlp = true;            // hidden width 2 d
  bool type_in_query = true;  // the type is added to the query of every iteration too
  SlotGradient gradient = SlotGradient::full;
  bool adaptive = false;
  double tau = 1;  // temperature of the keep gates
};

class TypedSlots final : public Scheme {
 public:
  // Throws Error(usage, "model.config") when the sizes do not fit.
  TypedSlots(const Init& init, std::span<const EncodedWidths> modalities, const TypedSlotsConfig& config);

  Factors factors(Context& c, std::span<const Encoded> encoded, double gate, const Wanted& wanted) const override;
  std::int64_t private_width() const override { return config_.width; }
  std::int64_t shared_width() const override { return config_.width; }

 private:
  // What one group of slots reads, and what a whole pass over a batch needs besides the slots.
  struct Source {
    Readable tokens;
    Var mask;                         // (B,L): real tokens; absent: all are
    Var permission;                   // (K,L) or (B,K,L), of rivals; absent without competition
    InlineVector<Tensor, 8> foreign;  // (B,L) for each modality's private slots; empty unless soft
  };
  struct Pass {
    SlotLayout layout;
    InlineVector<Source, 8> sources;  // of each group
    GruCell::InputMap input;          // of the GRU cell; the attention's output map is part of it
    Var moves;                        // (B,N): 1 where a slot may read something, else 0; absent: all may
    std::int64_t batch = 0;
    Maps maps = Maps::none;
  };
  Pass prepare(Context& c, std::span<const Encoded> encoded, double gate, const Wanted& wanted) const;
  // Permission, weights and foreign tokens of a source; part m of its tokens is lengths[m] long.
  void permit(const Context& c, const Pass& pass, Source& source, const SlotGroup& group,
              std::span<const std::int64_t> lengths, double gate) const;
  void find_idle(const Context& c, Pass& pass) const;
  Var type_rows(const Context& c, const SlotLayout& layout) const;
  Var start(const Context& c, const SlotLayout& layout) const;
  // U of a group's takers, (B,k,d), from the queries (N,d) or (B,N,d) of all slots; `maps` receives one per set.
  Var read(const Context& c, const Pass& pass, std::size_t group, const Var& queries, Vars* maps) const;
  Var compete(const Context& c, const Pass& pass, std::size_t group, const Var& queries, Vars* maps) const;
  Var step(const Context& c, const Pass& pass, const Var& slots, Vars* maps) const;
  Var iterate(Context& c, const Pass& pass, Vars& maps) const;

  struct CompeteWeights {
    ParameterId query, key, value;  // (d,d) each
  };
  TypedSlotsConfig config_;
  std::vector<ProjectTokens> project_;
  std::vector<ParameterId> private_slots_, private_type_;
  ParameterId shared_slots_, shared_type_;
  std::optional<CrossAttention> attention_;  // keys
  std::optional<CompeteWeights> weights_;
  GruCell gru_;
  std::optional<LayerNorm> norm_tokens_, norm_slots_, norm_mlp_;
  std::optional<FeedForward> mlp_, keep_;
};

}  // namespace triptych

// Query banks (scheme S1): learned queries read the tokens by cross-attention, as in Q-Former (Li et al. 2023, arXiv
// 2301.12597), Perceiver (Jaegle et al. 2021, arXiv 2103.03206) and Flamingo's resampler (Alayrac et al. 2022, arXiv
// 2204.14198). One private bank per modality, and one shared bank for all:
//
//   private   Z_m   = block(Q_m, surface_m)
//   shared    Z_s^m = block(Q_s, h_m)                       the shared code of modality m alone
//   joint     Z_s   = block(Q_s, [h_1 + e_1; h_2 + e_2; ...])     e_m: learned modality embedding
//   codes     means over the queries of a bank
//
// Tokens whose width is not d are projected first. A sample that lacks a modality has zeros for its codes.
//
// The bridge opens the shared bank. "gate": every key counts g times. A weight that is the same for all keys cancels in
// the softmax, so the codes are those of g = 1 for every g > 0, and at g = 0 they are zeros without a gradient; what
// grows with g is the weight of the losses on them. "tanh": what the shared bank reads is multiplied by tanh(alpha),
// alpha learned from 0 (Flamingo). A loss that does not see the length of a code, such as one on cosines, gives alpha
// no gradient: this bridge needs another term on the shared codes, such as a reconstruction.
#pragma once

#include <optional>
#include <vector>

#include "models/layers/project_tokens.h"
#include "models/layers/reading_block.h"
#include "models/scheme.h"

namespace triptych {

struct QueryBanksConfig {
  std::int64_t width = 0;                                // d
  std::int64_t private_queries = 8, shared_queries = 4;  // of each private bank, of the shared one
  int heads = 8;                                         // a divisor of d
  bool block_per_bank = false;                           // every bank has attention of its own; else one for all banks
  bool pre_norm = false;                                 // layers/reading_block.h
  int depth = 1;                                         // blocks on top of each other
  bool tanh_bridge = false;
  std::optional<MoeConfig> experts = {};  // pre-norm: in the place of its feed-forward network
  bool modality_embedding = true;         // of the joint code
};

class QueryBanks final : public Scheme {
 public:
  // Throws Error(usage, "model.config") when the sizes do not fit.
  QueryBanks(const Init& init, std::span<const EncodedWidths> modalities, const QueryBanksConfig& config);

  Factors factors(Context& c, std::span<const Encoded> encoded, double gate, const Wanted& wanted) const override;
  std::int64_t private_width() const override { return config_.width; }
  std::int64_t shared_width() const override { return config_.width; }

 private:
  // What one reading of some tokens gives to each of the banks that take part.
  struct Codes {
    Vars pooled;      // (B,d)
    Vars rows, maps;  // (B,n,d) and (B,heads,n,L), where asked for
    InlineVector<Routing, 8> routing = {};
  };
  // Banks of queries (n,d) through the blocks of one of them, as one bank.
  Codes read(Context& c, std::size_t bank, std::span<const Var> banks, const Tokens& tokens, bool rows, bool maps,
             double gate) const;

  QueryBanksConfig config_;
  std::vector<ProjectTokens> project_;
  std::vector<ParameterId> private_queries_;
  ParameterId shared_queries_, embedding_, alpha_;
  std::vector<std::vector<ReadingBlock>> blocks_;  // of each bank, the shared one last; or the one set of all
};

}  // namespace triptych

// Factors: what every scheme returns, so that every loss, metric, report and export works with every scheme.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/tape.h"

namespace triptych {

// One modality of a batch: tokens x (B,L,d), mask (B,L) with 1 = real token (absent: all are).
struct Tokens {
  Var x, mask;
};

// What one bank of queries, or one type of slots, attended to.
struct AttentionMap {
  enum class Reader : std::uint8_t { private_code, shared_code, joint } reader = Reader::private_code;
  std::size_t modality = 0;  // whose code it is (private_code, shared_code)
  // probs (B,heads,K,L): rows sum to 1, or to 0 where nothing could be read. Differentiable where the scheme says so.
  Var probs;
  // int32 (k): the columns of modalities that this reader should not see; absent: there are none.
  Var foreign;
  Var mask;  // (B,L): real tokens; absent: all are
};

// How the tokens read for one code of one modality were routed by one layer. T = all tokens of the batch in a row, E =
// the experts they may use (own cluster, then the shared one).
struct Routing {
  std::size_t layer = 0;           // with experts, counted through the stack
  std::size_t modality = 0;        // whose tokens; the number of modalities for the joint code, read from all of them
  std::string_view code = "both";  // which code they serve: "private", "shared", "both" or "joint"
  Var logits, probs;               // (T,E); probs = softmax of logits over the allowed experts
  Var mask;                        // (T), constant: 1 = real token; absent: all are
  Var allowed;  // (E), constant: 1 = own or shared; absent: all are, foreign ones come under soft permission only
  Var noise;    // (T,E), constant: added to the logits before choosing, not to those here; absent: none was
  // Shares of the real tokens' choices, by expert (E), before dropping.
  InlineVector<double, 8> load;
  double dropped = 0;  // share of choices that found no room
  double entropy = 0;  // mean entropy of probs, nats
  double leakage = 0;  // probability mass on experts of other modalities (soft permission only)
};

struct Factors {
  // Pooled codes (means over real tokens), one per modality: (B, private width) and (B, shared width). Absent where the
  // whole batch lacks the modality.
  Vars private_codes, shared_codes;
  Var joint;  // (B, shared width): read from all the modalities that a sample has; absent unless wanted
  // The same before pooling, (B,K,width) and their masks; absent unless wanted.
  InlineVector<Tokens, 8> private_tokens, shared_tokens;
  Tokens joint_tokens;
  InlineVector<AttentionMap, 8> attention;
  InlineVector<Routing, 8> routing;
  // (B,K): probability that an adaptive slot is kept; those of each modality, private then shared, then of the joint
  // code
  Vars slot_keep;
};

}  // namespace triptych

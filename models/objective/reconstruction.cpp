#include "models/objective/reconstruction.h"

#include "models/objective/views.h"
#include "ops/concat.h"
#include "ops/gelu.h"
#include "ops/masked_mean.h"

namespace triptych {

Decoder::Decoder(const Init& init, const std::string& name, std::int64_t in, std::int64_t hidden_units, std::int64_t to)
    : out(init, name, hidden_units > 0 ? hidden_units : in, to) {
  if (hidden_units > 0) hidden.emplace(init, name + ".hidden", in, hidden_units);
}

Var Decoder::operator()(const Context& c, const Var& x) const { return out(c, hidden ? gelu((*hidden)(c, x)) : x); }

Reconstruction::Reconstruction(const Init& init, const Sizes& s, const Scheme* tokens, bool with_private, bool without)
    : tokens_(tokens) {
  for (std::size_t m = 0; m < s.modalities.size(); ++m) {
    const std::string& name = s.modalities[m];
    if (with_private)
      decoders_.emplace_back(init, name + ".decode", s.private_width + s.shared_width, s.hidden, s.targets[m]);
    if (without) shared_decoders_.emplace_back(init, name + ".decode_shared", s.shared_width, s.hidden, s.targets[m]);
  }
}

InlineVector<Reconstruction::Pair, 8> Reconstruction::operator()(const Context& c, std::size_t m, From from,
                                                                 const Factors& f, std::span<const Encoded> encoded,
                                                                 std::int64_t views) const {
  InlineVector<Pair, 8> pairs;
  if (!f.private_codes[m]) return pairs;
  const Encoded& e = encoded[m];
  if (from == From::own && tokens_ && e.surface.x == e.h.x && !decoders_[m].hidden)
    if (const Var decoded = tokens_->decode_tokens(c, m, e.h.x, decoders_[m].out)) {
      pairs.push_back({decoded, e.target, e.h.mask});
      return pairs;
    }
  const bool of_tokens = e.target.shape().rank() == 3;
  const Var target = of_tokens ? masked_mean(e.target, e.h.mask) : e.target, has = present(e.h.mask);
  for (std::size_t a = 0; a < encoded.size(); ++a) {
    if ((from == From::own && a != m) || !f.shared_codes[a]) continue;
    Vars turned;  // the shared codes of views 1, 2, ..., 0
    for (std::int64_t v = 0; v < views; ++v) turned.push_back(view_of(f.shared_codes[a], views, (v + 1) % views));
    const Var shared = views == 1 ? f.shared_codes[a] : concat(turned, 0);
    const Var codes[] = {f.private_codes[m], shared};
    const Var decoded = from == From::shared ? shared_decoders_[m](c, shared) : decoders_[m](c, concat(codes, 1));
    pairs.push_back({decoded, target, a == m ? has : both(has, present(encoded[a].h.mask))});
  }
  return pairs;
}

}  // namespace triptych

#include "models/layers/reading_block.h"

#include "ops/add.h"
#include "ops/mul.h"

namespace triptych {

namespace {

std::variant<FeedForward, MoeFeedForward> make_feed_forward(const Init& init, const std::string& name,
                                                            std::int64_t width, std::span<const std::string> modalities,
                                                            const MoeConfig* experts) {
  if (experts) return MoeFeedForward(init, name, modalities, width, *experts);
  return FeedForward(init, name, width, 4 * width, width);
}

// has (B) -> (B,queries), a constant.
Var routed(const Var& has, std::int64_t queries) {
  if (!has) return {};
  Tensor mask({has.shape()[0], queries}, has.dtype());
  for (std::int64_t i = 0; i < mask.size(); ++i) mask.set(i, has.value().at(i / queries));
  return has.tape().constant(mask);
}

}  // namespace

ReadingBlock::ReadingBlock(const Init& init, const std::string& name, std::int64_t width, int heads, bool with_norms,
                           std::span<const std::string> modalities, const MoeConfig* experts)
    : read(init, name + ".read", width, heads) {
  if (with_norms)
    pre_norm = Norms{LayerNorm(init, name + ".norm_queries", width),
                     LayerNorm(init, name + ".norm_tokens", width),
                     LayerNorm(init, name + ".norm_among", width),
                     LayerNorm(init, name + ".norm_mlp", width),
                     CrossAttention(init, name + ".among", width, heads),
                     make_feed_forward(init, name + ".mlp", width, modalities, experts)};
}

Readable ReadingBlock::prepare(const Context& c, const Var& x, const Var& weight, std::int64_t queries) const {
  return read.prepare(c, pre_norm ? pre_norm->tokens(c, x) : x, weight, queries);
}

Reading ReadingBlock::operator()(Context& c, const Var& u, const Readable& tokens, const Reader& reader,
                                 const Var& opening, Maps maps) const {
  Reading r = read(c, pre_norm ? pre_norm->queries(c, u) : u, tokens, maps);
  if (opening) r.y = mul(r.y, opening);
  if (!pre_norm) return r;
  const Var after = add(r.y, u), normed = pre_norm->self(c, after);
  const Readable queries = pre_norm->among.prepare(c, normed, {}, normed.shape()[1]);
  const Var mixed = add(after, pre_norm->among(c, normed, queries).y);
  const Var in = pre_norm->mlp(c, mixed);
  if (const auto* dense = std::get_if<FeedForward>(&pre_norm->feed_forward)) {
    r.y = add(mixed, (*dense)(c, in));
  } else {
    Routing routing;
    r.y = add(mixed, std::get<MoeFeedForward>(pre_norm->feed_forward)(c, {in, routed(reader.has, in.shape()[1])},
                                                                      reader.bank, reader.gate, &routing));
    reader.routing->push_back(std::move(routing));
  }
  return r;
}

}  // namespace triptych

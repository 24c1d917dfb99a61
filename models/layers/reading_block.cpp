#include "models/layers/reading_block.h"

#include "ops/add.h"
#include "ops/mul.h"

namespace triptych {

ReadingBlock::ReadingBlock(const Init& init, const std::string& name, std::int64_t width, int heads, bool with_norms)
    : read(init, name + ".read", width, heads) {
  if (with_norms)
    pre_norm = Norms{
        LayerNorm(init, name + ".norm_queries", width),      LayerNorm(init, name + ".norm_tokens", width),
        LayerNorm(init, name + ".norm_among", width),        LayerNorm(init, name + ".norm_mlp", width),
        CrossAttention(init, name + ".among", width, heads), FeedForward(init, name + ".mlp", width, 4 * width, width)};
}

Readable ReadingBlock::prepare(const Context& c, const Var& x, const Var& weight, std::int64_t queries) const {
  return read.prepare(c, pre_norm ? pre_norm->tokens(c, x) : x, weight, queries);
}

Reading ReadingBlock::operator()(const Context& c, const Var& u, const Readable& tokens, const Var& opening,
                                 Maps maps) const {
  Reading r = read(c, pre_norm ? pre_norm->queries(c, u) : u, tokens, maps);
  if (opening) r.y = mul(r.y, opening);
  if (!pre_norm) return r;
  const Var after = add(r.y, u), normed = pre_norm->self(c, after);
  const Readable queries = pre_norm->among.prepare(c, normed, {}, normed.shape()[1]);
  const Var mixed = add(after, pre_norm->among(c, normed, queries).y);
  r.y = add(mixed, pre_norm->feed_forward(c, pre_norm->mlp(c, mixed)));
  return r;
}

}  // namespace triptych

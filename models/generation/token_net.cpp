#include "models/generation/token_net.h"

#include "models/generation/per_token.h"
#include "ops/add.h"
#include "ops/linear.h"

namespace triptych {

TokenNet::TokenNet(const Init& init, std::int64_t tokens, std::int64_t in, std::int64_t out, std::int64_t width,
                   int layers, int heads)
    : in_(init, "in", in, width),
      position_(init.normal("position", {tokens, width}, 0.02)),
      norm_(init, "norm", width),
      out_weight_(init.fill("out.weight", {out, width}, 0)),
      out_bias_(init.fill("out.bias", {out}, 0)) {
  for (int l = 0; l < layers; ++l) {
    const std::string layer = "layer" + std::to_string(l);
    layers_.push_back({Linear(init, layer + ".condition", width, width),
                       LayerNorm(init, layer + ".norm_attention", width), LayerNorm(init, layer + ".norm_mlp", width),
                       CrossAttention(init, layer + ".attention", width, heads),
                       FeedForward(init, layer + ".mlp", width, 2 * width, width)});
  }
}

Var TokenNet::operator()(const Context& c, const Var& seen, const Var& e, const Var& mask) const {
  const std::int64_t tokens = seen.shape()[1];
  Var u = add(in_(c, seen), c[position_]);
  for (const Layer& layer : layers_) {
    u = add(u, per_token(c.tape(), layer.condition(c, e), tokens));
    const Var normed = layer.before_attention(c, u);
    u = add(u, layer.attention(c, normed, layer.attention.prepare(c, normed, mask, tokens)).y);
    u = add(u, layer.mlp(c, layer.before_mlp(c, u)));
  }
  return linear(norm_(c, u), c[out_weight_], c[out_bias_]);
}

}  // namespace triptych

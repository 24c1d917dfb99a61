#include "models/generation/generator.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/gather.h"
#include "ops/linear.h"
#include "ops/reshape.h"
#include "ops/scale_rows.h"
#include "ops/sub.h"

namespace triptych {

namespace {

constexpr int frequencies = 8;
constexpr double least_rest = 1e-3;  // of 1 - t: sampling asks for t <= 1 - 1/steps, with at most 1,000 steps

// t (B) -> (B,16).
Tensor waves(const Tensor& t) {
  const std::int64_t n = t.size();
  Tensor w({n, 2 * frequencies}, t.dtype());
  for (std::int64_t b = 0; b < n; ++b)
    for (int i = 0; i < frequencies; ++i) {
      const double angle = std::numbers::pi * (i + 1) * t.at(b);
      w.set(b * 2 * frequencies + i, std::sin(angle));
      w.set(b * 2 * frequencies + frequencies + i, std::cos(angle));
    }
  return w;
}

// 1 / (1 - t) for every token: (B) -> (B,L).
Tensor inverse_rest(const Tensor& t, std::int64_t tokens) {
  Tensor s({t.size(), tokens}, t.dtype());
  for (std::int64_t i = 0; i < s.size(); ++i) s.set(i, 1 / std::max(1 - t.at(i / tokens), least_rest));
  return s;
}

// Row b, L times: the index that makes (B,L,d) of (B,d).
Var repeat_index(Tape& tape, std::int64_t batch, std::int64_t tokens) {
  Tensor index({batch, tokens}, DType::i32);
  for (std::int64_t i = 0; i < index.size(); ++i) index.data<std::int32_t>()[i] = static_cast<std::int32_t>(i / tokens);
  return tape.constant(index);
}

}  // namespace

Generator::Generator(const Init& all, const ModalitySpec& spec, std::int64_t condition, const GeneratorConfig& config)
    : look_(all.below(spec.name + ".generate"), "look", token_grid(spec).tokens * token_grid(spec).width, config.width),
      condition_(all.below(spec.name + ".generate"), "condition", condition + config.width + 2 * frequencies,
                 2 * config.width, config.width),
      draft_(all.below(spec.name + ".generate"), "draft", config.width, 4 * config.width,
             token_grid(spec).tokens * token_grid(spec).width),
      in_(all.below(spec.name + ".generate"), "in", 2 * token_grid(spec).width, config.width),
      norm_(all.below(spec.name + ".generate"), "norm", config.width) {
  const Init init = all.below(spec.name + ".generate");
  const auto [tokens, out] = token_grid(spec);
  const std::int64_t d = config.width;
  if (config.heads < 1 || d % config.heads != 0)
    throw Error(
        Exit::usage, "generator.heads",
        "generator.heads = " + std::to_string(config.heads) + " must divide generator.width = " + std::to_string(d));
  position_ = init.normal("position", {tokens, d}, 0.02);
  for (int l = 0; l < config.layers; ++l) {
    const std::string layer = "layer" + std::to_string(l);
    layers_.push_back({Linear(init, layer + ".condition", d, d), LayerNorm(init, layer + ".norm_attention", d),
                       LayerNorm(init, layer + ".norm_mlp", d),
                       CrossAttention(init, layer + ".attention", d, config.heads),
                       FeedForward(init, layer + ".mlp", d, 2 * d, d)});
  }
  out_weight_ = init.fill("out.weight", {out, d}, 0);
  out_bias_ = init.fill("out.bias", {out}, 0);
}

Var Generator::velocity(const Context& c, const Var& x_t, const Var& t, const Var& condition, const Var& mask) const {
  const std::int64_t batch = x_t.shape()[0], tokens = x_t.shape()[1];
  const Var real = mask ? scale_rows(x_t, mask) : x_t;
  const Var parts[] = {condition, look_(c, reshape(real, {batch, tokens * x_t.shape()[2]})),
                       c.tape().constant(waves(t.value()))};
  const Var e = condition_(c, concat(parts, 1)), index = repeat_index(c.tape(), batch, tokens);
  const Var draft = reshape(draft_(c, e), x_t.shape()), seen[] = {x_t, draft};
  Var u = add(in_(c, concat(seen, 2)), c[position_]);
  for (const Layer& layer : layers_) {
    u = add(u, gather(layer.condition(c, e), index));
    const Var normed = layer.before_attention(c, u);
    u = add(u, layer.attention(c, normed, layer.attention.prepare(c, normed, mask, tokens)).y);
    u = add(u, layer.mlp(c, layer.before_mlp(c, u)));
  }
  const Var data = add(draft, linear(norm_(c, u), c[out_weight_], c[out_bias_]));
  return scale_rows(sub(data, x_t), c.tape().constant(inverse_rest(t.value(), tokens)));
}

}  // namespace triptych

#include "models/generation/generator.h"

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/reshape.h"
#include "ops/scale_rows.h"
#include "ops/slice.h"

namespace triptych {

namespace {

constexpr int frequencies = 8;

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

// f(t) for every token: (B) -> (B,L).
template <class F>
Tensor each_token(const Tensor& t, std::int64_t tokens, const F& f) {
  Tensor s({t.size(), tokens}, t.dtype());
  for (std::int64_t i = 0; i < s.size(); ++i) s.set(i, f(t.at(i / tokens)));
  return s;
}

// The variance of x_t where data and noise have variance 1 and are independent.
double variance(double t) { return t * t + (1 - t) * (1 - t); }

}  // namespace

Generator::Generator(const Init& all, const ModalitySpec& spec, std::int64_t condition, const GeneratorConfig& config)
    : look_(all.below(spec.name + ".generate"), "look", token_grid(spec).tokens * token_grid(spec).width, config.width),
      condition_(all.below(spec.name + ".generate"), "condition", condition + config.width + 2 * frequencies,
                 2 * config.width, config.width),
      draft_(all.below(spec.name + ".generate"), "draft", config.width, 4 * config.width,
             token_grid(spec).tokens * token_grid(spec).width) {
  const Init init = all.below(spec.name + ".generate");
  const auto [tokens, out] = token_grid(spec);
  const std::int64_t d = config.width;
  const auto refuse = [](const char* field, const std::string& what) { throw Error(Exit::usage, field, what); };
  const std::string width = "generator.width = " + std::to_string(d);
  if (spec.kind == ModalityKind::image) {
    const std::string modality = "modality '" + spec.name + "': ";
    if (d < 16 || d % 4 != 0)
      refuse("generator.width", modality + width + " must be a multiple of 4 and at least 16 to generate pictures");
    if (spec.height % 8 != 0 || spec.breadth % 8 != 0)
      refuse("generator.pictures", modality + "pictures of " + std::to_string(spec.height) + " x " +
                                       std::to_string(spec.breadth) +
                                       " cannot be generated: sides must be multiples of 8");
    height_ = spec.height, breadth_ = spec.breadth;
    palette_.emplace(init.below("palette"), condition);
    picture_.emplace(init, 2 * out, out + 1 + palette_->size(), d, d, config.layers);
  } else {
    if (config.heads < 1 || d % config.heads != 0)
      refuse("generator.heads", "generator.heads = " + std::to_string(config.heads) + " must divide " + width);
    tokens_.emplace(init, tokens, 2 * out, out, d, config.layers, config.heads);
  }
}

Generator::Named Generator::operator()(const Context& c, const Var& x_t, const Var& t, const Var& condition,
                                       const Var& mask) const {
  const std::int64_t batch = x_t.shape()[0], tokens = x_t.shape()[1], width = x_t.shape()[2];
  const auto of = [&](const auto& f) { return c.tape().constant(each_token(t.value(), tokens, f)); };
  const Var sine = of([](double s) { return s / std::sqrt(variance(s)); }),
            cosine = of([](double s) { return (1 - s) / std::sqrt(variance(s)); });
  const Var x = scale_rows(x_t, sine), real = mask ? scale_rows(x, mask) : x;
  const Var parts[] = {condition, look_(c, reshape(real, {batch, tokens * width})),
                       c.tape().constant(waves(t.value()))};
  const Var e = condition_(c, concat(parts, 1));
  const Var y = reshape(draft_(c, e), x_t.shape()), both[] = {x_t, y}, seen = concat(both, 2);
  const auto move = [&](const Var& sharpened) {
    const Var z = add(scale_rows(y, cosine), scale_rows(sharpened, sine));
    return add(scale_rows(x_t, of([](double s) { return (2 * s - 1) / variance(s); })),
               scale_rows(z, of([](double s) { return 1 / std::sqrt(variance(s)); })));
  };
  if (!picture_) return {move((*tokens_)(c, seen, e, mask)), {}, {}, {}};
  const std::int64_t named = width + 1 + palette_->size();
  const Var out =
      reshape((*picture_)(c, reshape(seen, {batch, height_, breadth_, 2 * width}), e), {batch, tokens, named});
  const Var free = move(slice(out, 2, 0, width)), logits = favour_free(slice(out, 2, width, named)),
            colours = palette_->colours(c, condition);
  return {palette_velocity(x_t, t, free, logits, colours),
          add(x_t, scale_rows(free, of([](double s) { return 1 - s; }))), logits, colours};
}

}  // namespace triptych

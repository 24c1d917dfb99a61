// Generator: the velocity field of flow matching, for the tokens of one modality given two codes.
#pragma once

#include <cstdint>
#include <optional>

#include "models/generation/generated_tokens.h"
#include "models/generation/generator_config.h"
#include "models/generation/palette.h"
#include "models/generation/picture_net.h"
#include "models/generation/token_net.h"

namespace triptych {
// The velocity at noisy tokens x_t (B,L,D) and times t (B), given a condition k (B,w); N = t^2 + (1 - t)^2:
//
//   x = t / sqrt N  x_t
//   e = F [k; P x; sin(pi i t), cos(pi i t), i = 1..8]         P: all tokens at once        (B,d)
//   y = G e                                                    a draft of the data         (B,L,D)
//   z = (1 - t) / sqrt N  y + t / sqrt N  net([x_t; y], e)
//   v = (2 t - 1) / N  x_t + 1 / sqrt N  z
//
// For pictures that v is what a pixel does that is free; net names logits as well, for it and for each colour of a
// palette told by k (models/generation/palette.h), and v is their mixture. A net that names numbers alone tints
// blank grounds.
//
// F, G: feed-forward, of 2 d and 4 d hidden units. net: TokenNet, or PictureNet for pictures. (2 t - 1) / N x_t is the
// best guess where data are standard normal; the best z, ((1 - t) x_1 - t x_0) / sqrt N, then has variance 1 at every t
// for data of mean square 1, turns from the data (t = 0) to minus the noise (t = 1), and an error of it counts 1 to 2
// times. At t = 0 x_t says nothing of the data, and z is the draft of the condition alone (for pictures the free
// pixel's; the logits see x_t at any time). The draft says what belongs where within a few hundred steps; the net,
// which shares its weights over places, sharpens it. Karras et al. 2022, arXiv 2206.00364, and Salimans & Ho 2022,
// arXiv 2202.00512, for z.
class Generator {
 public:
  // condition: w. Throws Error(usage): "generator.heads" unless heads divide width (feature tokens); for pictures
  // "generator.width" unless it is a multiple of 4 and at least 16, "generator.pictures" unless sides are multiples
  // of 8.
  Generator(const Init& init, const ModalitySpec& spec, std::int64_t condition, const GeneratorConfig& config);
  // The velocity (B,L,D); of pictures also what it is made from: the data that a free pixel is taken for (B,L,D),
  // logits of being free or of a colour (B,L,K+1), and the colours (B,K,D).
  struct Named {
    Var velocity, free, logits, colours;
  };
  // x_t and t (B) constants; mask (B,L) or absent.
  Named operator()(const Context& c, const Var& x_t, const Var& t, const Var& condition, const Var& mask) const;

 private:
  Linear look_;
  FeedForward condition_, draft_;
  std::optional<TokenNet> tokens_;
  std::optional<PictureNet> picture_;
  std::optional<Palette> palette_;
  std::int64_t height_ = 0, breadth_ = 0;  // of pictures
};

}  // namespace triptych

// Generated data whose factors are known, so that what a code holds and what leaks into it can be measured. A process
// is drawn from a seed, its samples from a stream of that seed: the same numbers for any number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace triptych::data {

// Two nonlinear views of shared content (Daunhawer et al. 2023, arXiv 2303.09166; von Kuegelgen et al. 2021).
//
//   c ~ N(0, Sc),  s ~ N(a + B c, Ss),  m_k ~ N(0, Sm_k)
//   s'_i = s_i + d_i e_i,  d_i ~ Bernoulli(change),  e ~ N(0, Se)
//   x_1 = f_1(c, s, m_1),  x_2 = f_2(c, s', m_2)
//
//   S = I, or Wishart(its width, I), drawn for each block (statistical);  a, B = 0, or entries N(0, 1) (causal)
//   f_k  `layers` square matrices, leaky ReLU of slope 0.2 between them. Entries U(-1, 1), columns of length 1; drawn
//        anew until the condition number is among the best `best` of `candidates` drawn for comparison
//
// Widths of 2 saturate within minutes of training; the papers use 5, three layers and the best 25 of 25 000.
struct IdentifiabilityOptions {
  std::int64_t content = 2, style = 2, own = 2;  // widths of c, of s, of each m_k
  std::int64_t layers = 2, candidates = 2000, best = 20;
  double change = 1;
  bool statistical = false, causal = false;
};

// n rows each, float32.
struct IdentifiabilitySamples {
  std::array<Tensor, 2> x;      // (n, content + style + own)
  Tensor content;               // c
  std::array<Tensor, 2> style;  // s and s'
  std::array<Tensor, 2> own;    // m_1 and m_2
};

class Identifiability {
 public:
  // Throws Error(usage, "synthetic.options") for widths, layers or counts below 1, or change outside [0, 1].
  Identifiability(const IdentifiabilityOptions& options, std::uint64_t seed);
  // The samples number `index` of a series; any two series are independent.
  IdentifiabilitySamples draw(std::uint64_t series, std::uint64_t index, std::int64_t n) const;

 private:
  IdentifiabilityOptions options_;
  std::uint64_t seed_;
  std::array<std::vector<Tensor>, 2> mixing_;  // f64 (width, width), first layer first
  Tensor content_, style_, change_, own_[2];   // f64 roots of covariances; null for the identity
  Tensor effect_, shift_;                      // B (style, content), a (style); null when not causal
};

// Two linear views with labels (Wang et al. 2024, DisentangledSSL, arXiv 2410.23996).
//
//   z1, zs, z2 ~ N(0, 0.5 I) of width 50;  x = [z1, zs] T1,  y = [z2, zs] T2,  T entries U(-1, 1), (100, 100)
//   label of z = 1 where  w2 . relu(W1 z) + N(0, 0.1^2)  is above its median;  W1 (100, 50), w2 (100): Xavier
//
// x and y hold their factors without loss, but a linear probe cannot follow the label's bend. Its accuracy on 20 000
// rows (16 000 fitted) of seed 0, in percent, is the ceiling of any code read linearly:
//
//             z1    zs    z2
//   from x    79.6  81.0  49.0
//   from y    49.3  81.6  78.0          from the factor itself 80.2, 82.2, 80.6; other seeds differ by up to 3
struct LinearViews {
  Tensor x, y;                                      // (n, 100) float32
  std::array<Tensor, 3> factors;                    // z1, zs, z2: (n, 50) float32
  std::array<std::vector<std::int32_t>, 3> labels;  // of each: 0 or 1, half of each
};
LinearViews linear_views(std::int64_t n, std::uint64_t seed);

}  // namespace triptych::data

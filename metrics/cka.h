// cka: centred kernel alignment, how similar are two sets of codes of the same samples?
//
//   K, L (N, N)  kernels of a and b: linear K_ij = <a_i, a_j>, or rbf (below)
//   value        <K', L'> / (|K'| |L'|)                                        K' is the centred kernel
//     biased       K' = H K H, H = I - 11^T / N: in [0, 1], but near d / (N - 1 + d) on independent codes of width d
//     debiased     K' = the U-centred kernel (zero diagonal, zero row sums): near 0 on independent codes; can be < 0
//   linear       needs no kernel: <K', L'> biased = |Ac^T Bc|_F^2; debiased subtracts N / (N-2) sum_i p_i q_i and adds
//                sum(p) sum(q) / ((N-1)(N-2)), with p_i = |Ac_i|^2, q_i = |Bc_i|^2
//   rbf          K_ij = exp(-d_ij / s), d_ij = |a_i - a_j|^2; memory for two (N, N) doubles
//     threshold absent   s = median of d_ij over i < j (the median heuristic of HSIC)
//     threshold f        s = 2 f^2 median of d_ij over all i, j (Kornblith's form)
//
//   Invariant to rotations and to one scale per side, not to general invertible maps. Undefined (nothing is returned)
//   when a side is constant or, for rbf, when its median distance is 0.
//   source  Kornblith et al. 2019, arXiv 1905.00414, eq. 2-5; Szekely, Rizzo 2014 (U-centring); Nguyen et al. 2021,
//           arXiv 2010.15327, eq. 3 (minibatches)
#pragma once

#include <cstdint>
#include <optional>

#include "core/tensor.h"

namespace triptych::metrics {

enum class CkaKernel { linear, rbf };
enum class CkaEstimator { debiased, biased };

struct CkaOptions {
  CkaKernel kernel = CkaKernel::linear;
  CkaEstimator estimator = CkaEstimator::debiased;
  std::optional<double> threshold;  // rbf only
};

// a (N, p), b (N, q), float32 or float64, finite. Throws Error (input) when the rows differ in number, N < 4 (debiased)
// or N < 2 (biased), or threshold <= 0.
std::optional<double> cka(const Tensor& a, const Tensor& b, const CkaOptions& options = {});

// The same over batches: the three inner products, divided by N (N - 3) (debiased) or (N - 1)^2 (biased), are summed
// and the ratio is taken at the end. Averaging the values of batches instead would be wrong.
class MinibatchCka {
 public:
  explicit MinibatchCka(CkaOptions options = {}) : options_(options) {}
  void add(const Tensor& a, const Tensor& b);  // arguments and errors as for cka
  std::optional<double> value() const;

 private:
  CkaOptions options_;
  double ab_ = 0, aa_ = 0, bb_ = 0;
};

}  // namespace triptych::metrics

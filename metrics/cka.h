// cka: centred kernel alignment, how similar are two sets of codes of the same samples? Formula: cka.cpp, `triptych
// explain cka`. Undefined (nothing is returned) when a side is constant or, for rbf, when its median distance is 0.
#pragma once

#include <cstdint>
#include <optional>

#include "core/op_info.h"

namespace triptych::metrics {

enum class CkaKernel { linear, rbf };
enum class CkaEstimator { debiased, biased };

struct CkaOptions {
  CkaKernel kernel = CkaKernel::linear;
  CkaEstimator estimator = CkaEstimator::debiased;
  std::optional<double> threshold;  // rbf only; absent: the median heuristic
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

// x (N, p) as (N, min(N, p)) with the same inner products of rows, float64: all that linear CKA sees. For an x that is
// compared often. Errors as for cka.
Tensor inner_product_root(const Tensor& x);

const OpInfo& cka_info();

}  // namespace triptych::metrics

// logistic_probe: can a linear classifier read a factor from a code? Fitted on train rows, scored on test rows.
//
//   scaled   x~ = (x - mean) / std of the train rows (std divides by N); a constant column is only centred
//   minimise c sum_i -log softmax(x~_i W + b)_{y_i} + 1/2 |W|^2          b is not penalised
//   accuracy = #{ i in test : argmax_k (x~_i W + b)_k = y_i } / n        the lowest class on a tie
//
//   This is scikit-learn's StandardScaler + LogisticRegression(C=c, solver="lbfgs"). With two classes scikit-learn
//   fits one vector w = W_1 - W_0 under 1/2 |w|^2, which is the objective above with |W|^2 in place of 1/2 |W|^2; so
//   is it here.
//   solver   L-BFGS until the largest gradient entry of (objective / c N) is below 1e-7 (scikit-learn stops at 1e-4)
//   source   Alain, Bengio 2016, arXiv 1610.01644 (probes); Nocedal, Wright 2006, Numerical Optimization, alg. 7.4
#pragma once

#include <cstdint>
#include <span>

#include "core/tensor.h"

namespace triptych::metrics {

struct ProbeScore {
  double accuracy = 0;       // on the test rows, a fraction
  double cross_entropy = 0;  // mean of -log p(y_i) over the test rows, in nats; infinite if a label is new in test
  double chance = 0;         // 1 / number of classes in train: the chance level when the classes are balanced
  double majority = 0;       // share of the most frequent test label: the chance level to quote when they are not
  std::int64_t n = 0;        // test rows
  int classes = 0;
  int iterations = 0;
};

// train_codes (N, d), test_codes (n, d), float32 or float64, finite; one label a row, any integers. A test label that
// train lacks counts as wrong. Throws Error (input) for shapes that do not fit, fewer than two train classes or c <= 0.
// Takes about 4 N d classes multiplications an iteration, 20 to 100 iterations.
ProbeScore logistic_probe(const Tensor& train_codes, std::span<const std::int32_t> train_labels,
                          const Tensor& test_codes, std::span<const std::int32_t> test_labels, double c = 0.1);

}  // namespace triptych::metrics

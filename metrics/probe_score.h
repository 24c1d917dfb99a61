// What a classifying probe found, and what the two kinds of it (logistic_probe, mlp_probe) share.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "metrics/dense.h"

namespace triptych::metrics {

struct ProbeScore {
  double accuracy = 0;       // on the test rows, a fraction
  double cross_entropy = 0;  // mean of -log p(y_i) over the test rows, in nats; infinite if a label is new in test
  double chance = 0;         // 1 / number of classes in train: the chance level when the classes are balanced
  double majority = 0;       // share of the most frequent test label: the chance level to quote when they are not
  std::int64_t n = 0;        // test rows
  int classes = 0;
  int iterations = 0;
  std::vector<std::uint8_t> right;  // 1 for each test row that was told
};

using Labels = std::span<const std::int32_t>;
using Logits = Eigen::ArrayXXd;  // (rows, classes) by column, so that softmax runs along memory

// Turns logits into probabilities; returns log(sum(exp(logits))) of each row.
Eigen::ArrayXd softmax(Logits& z);

// Checked and standardised. Internal.
struct ClassTask {
  Matrix train, test;
  std::vector<int> y;                 // class of each train row, 0 ... classes - 1
  std::map<std::int32_t, int> index;  // class of a label
  int classes() const { return static_cast<int>(index.size()); }
};
// Throws Error (input) for shapes that do not fit and fewer than two train classes.
ClassTask class_task(const std::string& probe, const Tensor& train_codes, Labels train_labels, const Tensor& test_codes,
                     Labels test_labels);
// The lowest class on a tie; all but `iterations`.
ProbeScore scored(const ClassTask& task, const Logits& logits_of_test, Labels test_labels);

}  // namespace triptych::metrics

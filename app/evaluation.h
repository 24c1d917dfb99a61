// The held-out figures of a model: does the shared code find the pair, and does each code hold what it should?
//
//   retrieval   cosine of shared codes; averaged over every pair of modalities, both directions, every pair of views.
//               Beside it the same among as many training items: much better there is learned by heart
//   probes      logistic regression (C = 0.1) on the codes of the training items, all views stacked, scored on held-out
//   cka         debiased linear CKA on held-out items, averaged over the pairs of views (the same view within a
//               modality), of every code with every other one. Its p-value is that of HSIC (rbf) on the first view of
//               at most 256 items: does the one code depend on the other in any way?
//   leakage     what should be absent, 0 when it is: chance-corrected accuracy of private factors from the shared code
//               and of shared factors from the private code. A factor is private to a modality when it tells its views
//               apart (it is constant in every view), shared otherwise. Data without labels: R^2 of a linear map from
//               private.a to shared.b of another modality
//   cca         total correlation (sum over components) of two modalities' shared codes, the mean over views of each
//               item; directions fitted on training items, scored on held-out ones. Beside it that of the features
//               themselves with as many components: linear CCA
//   task        what the task head predicts of the labels, with a constant guess as chance
//   ranks       effective rank of the held-out codes, all views stacked, centred; and their spread, sum |z - mean|^2
//   over
//               sum |z|^2: near 0 the code is the same for all
//
// Shared codes are scaled to length 1 first. Everything is a fraction. Intervals are of 95 % and count items, not rows
// (metrics/interval.h). A figure that has no meaning is absent, with its reason in `undefined`. Equal bits for any
// number of threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/evaluation_codes.h"
#include "metrics/interval.h"

namespace triptych::app {

using metrics::Interval;

struct Retrieval {
  std::string from, to;            // modalities
  std::vector<double> recall;      // at Evaluation::k
  std::vector<Interval> interval;  // of each
};
struct Probe {
  std::string code, factor;  // "shared.image", "style"
  double value = 0;          // accuracy, or R^2 of a linear map
  double chance = 0;   // accuracy: 1 / classes, or the share of the most frequent class where they are not balanced
  std::int64_t n = 0;  // rows scored
  std::optional<bool> wanted = false;     // the code should hold the factor; absent: nobody knows
  std::string metric = "accuracy";        // or "r2", of a real factor
  std::optional<Interval> interval = {};  // absent: R^2 of fewer than 3 items
  // What is there beyond guessing, max(0, (value - chance) / (1 - chance)), and its interval; absent at chance 1.
  std::optional<double> above_chance() const;
  std::optional<Interval> above_chance_interval() const;
};
struct Similarity {
  std::string a, b;
  std::optional<double> value;         // absent: undefined (a constant code, fewer than 4 items)
  bool wanted = false;                 // should be high
  std::optional<double> p_value = {};  // of independence; absent where value is
};
struct Leak {
  std::string code, of;  // of: a factor, or a code when there are no labels; foreign_input
  std::optional<double> value;
  std::optional<Interval> interval = {};
};
// Leak::of what the other modalities write into a private code.
inline constexpr const char* foreign_input = "other modalities";
struct TotalCorrelation {
  std::string a, b;
  std::int64_t components = 0;
  double value = 0, train = 0;      // on held-out and on training items
  std::optional<double> of_inputs;  // value for the features; absent for other data and for very wide ones
};
struct TaskScore {
  std::string metric = "accuracy";  // or "r2", mean over targets
  double value = 0, chance = 0;     // chance: share of the most frequent class
  std::int64_t n = 0;
  std::optional<Interval> interval = {};
};
struct Rank {
  std::string code;
  std::optional<double> value;
  std::int64_t width = 0;
  double spread = 0;
};
// A figure without a meaning, and why: "cka of private.text and shared.text", "private.text is constant".
struct Undefined {
  std::string figure, reason;
};

struct Evaluation {
  std::int64_t train_items = 0, test_items = 0;
  std::vector<std::int64_t> k{1, 5, 10};
  std::vector<double> recall, chance;  // at k
  std::vector<Interval> recall_interval;
  std::vector<double> train_recall;  // at k; empty without as many training items as held-out ones
  double tied = 0;                   // share of queries whose match ties with another: above 0 recall flatters
  std::vector<Retrieval> directions;
  std::vector<Probe> probes;  // none without training items or labels
  std::vector<Similarity> cka;
  std::vector<TotalCorrelation> total_correlation;
  std::optional<TaskScore> task;
  std::vector<Leak> leakage;
  std::vector<Rank> ranks;
  std::vector<Undefined> undefined;
};

struct Codes {
  std::vector<std::string> modalities;
  std::vector<CodedBlock> train, test;
  Tensor predicted = {};  // (n, outputs): by the task head, of the held-out items; null without one
};
Codes all_codes(const Model& model, const DataSource& data);

// Throws Error(input, "eval.items") when nothing is held out, and what the metrics throw ("a code that holds NaN").
Evaluation evaluate(const Codes& codes);

}  // namespace triptych::app

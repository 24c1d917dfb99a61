#include "metrics/probe_score.h"

#include <algorithm>
#include <limits>
#include <set>

#include "core/error.h"

namespace triptych::metrics {

Eigen::ArrayXd softmax(Logits& z) {
  const Eigen::ArrayXd largest = z.rowwise().maxCoeff();
  z = (z.colwise() - largest).exp();
  const Eigen::ArrayXd sum = z.rowwise().sum();
  z.colwise() /= sum;
  return largest + sum.log();
}

ClassTask class_task(const std::string& probe, const Tensor& train_codes, Labels train_labels, const Tensor& test_codes,
                     Labels test_labels) {
  ClassTask task{
      checked_matrix(probe, "train_codes", train_codes), checked_matrix(probe, "test_codes", test_codes), {}, {}};
  if (task.train.cols() != task.test.cols())
    refuse(probe, "test_codes", test_codes, "(n, d) with d of train_codes", train_codes.shape().text());
  const auto check = [&](const char* argument, const Tensor& codes, Labels labels) {
    if (std::ssize(labels) != codes.shape()[0])
      refuse(probe, argument, codes, "(N, d) with one label a row", std::to_string(labels.size()) + " labels");
  };
  check("train_codes", train_codes, train_labels);
  check("test_codes", test_codes, test_labels);
  const std::set<std::int32_t> distinct(train_labels.begin(), train_labels.end());
  if (distinct.size() < 2)
    throw Error(Exit::input, probe + ".argument",
                "[" + probe + "] train_labels must hold at least 2 classes, got " + std::to_string(distinct.size()));
  for (const std::int32_t label : distinct) task.index.emplace(label, static_cast<int>(task.index.size()));
  for (const std::int32_t label : train_labels) task.y.push_back(task.index[label]);
  standardise(task.train, task.test);
  return task;
}

ProbeScore scored(const ClassTask& task, const Logits& logits_of_test, Labels test_labels) {
  ProbeScore score{.chance = 1.0 / task.classes(), .n = task.test.rows(), .classes = task.classes(), .right = {}};
  Logits z = logits_of_test;
  const Eigen::ArrayXd log_sum = softmax(z);
  std::map<std::int32_t, std::int64_t> counts;
  std::int64_t most = 0;
  for (std::int64_t i = 0; i < score.n; ++i) {
    const std::int32_t label = test_labels[static_cast<std::size_t>(i)];
    most = std::max(most, ++counts[label]);
    const auto known = task.index.find(label);
    Eigen::Index best = 0;
    logits_of_test.row(i).maxCoeff(&best);
    score.right.push_back(known != task.index.end() && known->second == best);
    score.cross_entropy += known == task.index.end() ? std::numeric_limits<double>::infinity()
                                                     : log_sum(i) - logits_of_test(i, known->second);
  }
  const double n = static_cast<double>(score.n);
  score.cross_entropy /= n;
  score.accuracy = static_cast<double>(std::count(score.right.begin(), score.right.end(), 1)) / n;
  score.majority = static_cast<double>(most) / n;
  return score;
}

}  // namespace triptych::metrics

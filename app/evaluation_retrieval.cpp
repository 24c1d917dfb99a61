#include <algorithm>
#include <map>

#include "app/evaluation_parts.h"
#include "core/gather_rows.h"
#include "metrics/retrieval.h"
#include "metrics/ridge_probe.h"

namespace triptych::app {
namespace {

// Which items were found among the first k, over every pair of views and direction that was added.
struct Hits {
  std::vector<std::int64_t> rank;
  std::vector<std::int32_t> item;

  void add(const std::vector<std::int64_t>& ranks, const std::vector<std::int32_t>& items) {
    rank.insert(rank.end(), ranks.begin(), ranks.end());
    item.insert(item.end(), items.begin(), items.end());
  }
  std::vector<Interval> intervals(const std::vector<std::int64_t>& k) const {
    std::vector<Interval> all;
    for (const std::int64_t each : k) {
      std::vector<std::uint8_t> right;
      for (const std::int64_t r : rank) right.push_back(r < each);
      all.push_back(metrics::accuracy_interval(right, item));
    }
    return all;
  }
};

// The first n rows of a training block's shared code.
Tensor first_rows(const CodedBlock& block, std::int64_t n) {
  std::vector<std::int32_t> which(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < which.size(); ++i) which[i] = static_cast<std::int32_t>(i);
  Tensor rows;
  gather_rows(block.shared_code, which, rows);
  return rows;
}

// The same among as many training items, of the first view of each modality: chance is the same then.
std::vector<double> recall_in_training(const Codes& codes, const Evaluation& e) {
  if (e.train_items < e.test_items) return {};
  std::vector<double> recall(e.k.size(), 0);
  double runs = 0;
  for (std::size_t a = 0; a < codes.modalities.size(); ++a)
    for (std::size_t b = 0; b < codes.modalities.size(); ++b) {
      if (a == b) continue;
      const metrics::Recall one = metrics::recall_at(first_rows(*views_of(codes.train, a).front(), e.test_items),
                                                     first_rows(*views_of(codes.train, b).front(), e.test_items), e.k);
      for (std::size_t i = 0; i < e.k.size(); ++i) recall[i] += one.value[i];
      ++runs;
    }
  for (double& x : recall) x /= runs;
  return recall;
}

}  // namespace

void add_retrieval(const Codes& codes, Evaluation& e) {
  e.recall.assign(e.k.size(), 0);
  std::int64_t runs = 0;
  Hits all;
  for (std::size_t a = 0; a < codes.modalities.size(); ++a)
    for (std::size_t b = 0; b < codes.modalities.size(); ++b) {
      if (a == b) continue;
      Retrieval r{codes.modalities[a], codes.modalities[b], std::vector<double>(e.k.size(), 0), {}};
      const Views from = views_of(codes.test, a), to = views_of(codes.test, b);
      Hits hits;
      for (const CodedBlock* q : from)
        for (const CodedBlock* g : to) {
          const metrics::Recall one = metrics::recall_at(q->shared_code, g->shared_code, e.k);
          for (std::size_t i = 0; i < e.k.size(); ++i) {
            r.recall[i] += one.value[i];
            e.recall[i] += one.value[i];
          }
          hits.add(one.rank, q->item);
          e.tied += one.tied;
          e.chance = one.chance;
          ++runs;
        }
      for (double& x : r.recall) x /= static_cast<double>(from.size() * to.size());
      r.interval = hits.intervals(e.k);
      all.add(hits.rank, hits.item);
      e.directions.push_back(std::move(r));
    }
  for (double& x : e.recall) x /= static_cast<double>(runs);
  e.recall_interval = all.intervals(e.k);
  e.tied /= static_cast<double>(runs);
  e.train_recall = recall_in_training(codes, e);
}

void add_task(const Codes& codes, Evaluation& e) {
  if (!codes.predicted) return;
  const CodedBlock& test = codes.test.front();
  const auto label = std::ranges::find(test.factors, Factor::Holder::any, &Factor::holder);
  if (label == test.factors.end()) return;
  TaskScore s;
  s.n = codes.predicted.shape()[0];
  const std::int64_t width = codes.predicted.shape()[1];
  if (label->values) {
    const auto r2 = metrics::r2_score(codes.predicted, label->values);
    if (!r2) return e.undefined.push_back({"the task's R^2", "every target is constant on the held-out items"});
    s.metric = "r2";
    s.value = *r2;
    s.interval = metrics::r2_interval(codes.predicted, label->values, test.item);
    e.task = s;
    return;
  }
  std::map<std::int32_t, std::int64_t> count;
  std::vector<std::uint8_t> right;
  std::int64_t most = 0;
  for (std::int64_t i = 0; i < s.n; ++i) {
    std::int64_t best = 0;
    for (std::int64_t k = 1; k < width; ++k)
      if (codes.predicted.at(i * width + k) > codes.predicted.at(i * width + best)) best = k;
    const std::int32_t truth = label->labels[static_cast<std::size_t>(i)];
    right.push_back(best == truth);
    most = std::max(most, ++count[truth]);
  }
  s.value = static_cast<double>(std::ranges::count(right, 1)) / static_cast<double>(s.n);
  s.chance = static_cast<double>(most) / static_cast<double>(s.n);
  s.interval = metrics::accuracy_interval(right, test.item);
  e.task = s;
}

}  // namespace triptych::app

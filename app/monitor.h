// Monitor: what the codes hold, looked at while training goes on. Figures of the model as it is, on at most 256
// held-out items and linear probes fitted on at most 512 training items, both evenly spaced, each item in one view (the
// views in turn). A function of the parameters and the data alone: equal for any number of threads and after a resume.
//
//   cka/self            CKA of a private code and its own modality's input, mean over modalities: should be high
//   cka/cross           of a private code and another modality's input: should be near 0
//   cka/shared          of two modalities' shared codes: should be high
//   cka/private         of two modalities' private codes: should be near 0
//   cka/private_shared  of the two codes of a modality: should be near 0
//   leakage/CODE        the most that CODE knows of a factor it should not hold, above chance, in [0, 1]. Without
//   labelled
//                       factors, for private codes: R^2 of another modality's shared code
//   holds/CODE          the least that CODE knows of the factors it should hold
//   leakage/attention   attention of private banks or slots on foreign tokens (soft permission only), over its chance
//   leakage/routing     routing probability on foreign experts, over its chance; 0 under hard permission
//   recall_at_1         of shared codes, mean over ordered pairs of modalities; chance 1 / items
//   rank/CODE           effective rank
//   monitor             the same in full: items, every CKA, every probe, every head's attention
//
// CKA is linear and debiased, of 128 items. The input is the mean token of features, the pixels of a picture, n-gram
// counts in 256 columns. A figure without a meaning (a constant code) is null.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "app/data_source.h"
#include "models/model.h"

namespace triptych::app {

// Rows of all modalities, row i of each the same item, and what is known of them.
struct MonitorSample {
  std::int64_t items = 0;
  Batch batch;
  std::vector<std::vector<Factor>> factors;  // of each modality
};
// `most` items of the data, fewer where there are not as many that have every modality.
MonitorSample monitor_sample(const DataSource& data, bool held_out, std::int64_t most);

class Monitor {
 public:
  // Both must outlive it.
  Monitor(const Model& model, const DataSource& data);
  // Adds the figures to a line of metrics.jsonl; none with fewer than 4 held-out or 2 training items.
  void measure(nlohmann::ordered_json& line) const;

 private:
  const Model& model_;
  MonitorSample fit_, test_;
  std::vector<Tensor> inputs_;  // of each modality: the rows that CKA takes, (n, any width)
};

}  // namespace triptych::app

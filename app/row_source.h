// A DataSource of N ready rows: float features of every modality in memory, row i of each belonging together.
//
// Where nothing else is said, every fifth row of a fixed permutation is held out: the same rows for every seed, so that
// runs can be compared.
#pragma once

#include "app/data_source.h"

namespace triptych::app {

class RowSource : public DataSource {
 public:
  std::vector<ModalitySpec> modalities() const override { return specs_; }
  std::int64_t train_items() const override { return static_cast<std::int64_t>(train_.size()); }
  std::int64_t test_items() const override { return static_cast<std::int64_t>(test_.size()); }
  std::int64_t label_outputs() const override;
  // Every epoch a fresh permutation of the training rows, cut into whole batches. items <= train_items().
  void train_batch(std::uint64_t seed, std::int64_t step, std::int64_t items, Batch& to) override;
  // One block a modality, with its factors; labels are one of every modality, "label".
  std::vector<Block> blocks(bool held_out) const override;
  std::vector<std::string> identities(bool held_out) const override;  // hashes of the rows

 protected:
  // One modality: values f32 (N,L,d), mask f32 (N,L) or null, factors of all N rows. N is the same for all, < 2^31.
  void add(ModalitySpec spec, ModalityBatch values, std::vector<Factor> factors = {});
  // int32 (N), classes from 0, or f32 (N,width).
  void set_labels(Tensor labels) { labels_ = std::move(labels); }
  void split();                      // after the last add(): every fifth row is held out
  void hold_out(std::int64_t last);  // the same, but the last rows are

 private:
  Factor label_factor() const;
  ModalityBatch rows(std::size_t modality, const std::vector<std::int32_t>& which, ModalityBatch to) const;

  std::vector<ModalitySpec> specs_;
  std::vector<ModalityBatch> values_;
  std::vector<std::vector<Factor>> factors_;
  Tensor labels_;
  std::vector<std::int32_t> train_, test_;
  std::uint64_t order_seed_ = 0;
  std::int64_t order_epoch_ = -1;
  std::vector<std::int32_t> order_, batch_;  // the rows of an epoch, of a batch
};

}  // namespace triptych::app

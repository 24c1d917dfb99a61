// Generated data with known factors as a DataSource (data/synthetic.h says what is drawn).
//
//   synthetic:identifiability  modalities x1, x2; real factors content, style, modality, other_modality. Every training
//                              batch is drawn afresh; the rows that probes are fitted and scored on are not among them
//   synthetic:disentangled     modalities x, y of 100 features; factors z1, zs, z2 with two classes each; 20 000 rows
#pragma once

#include <optional>

#include "app/config.h"
#include "app/row_source.h"
#include "data/synthetic.h"

namespace triptych::app {

class SyntheticSource : public RowSource {
 public:
  // Uses source and seed; of identifiability change, statistical and causal.
  explicit SyntheticSource(const DataConfig& config);

  void train_batch(std::uint64_t seed, std::int64_t step, std::int64_t items, Batch& to) override;
  std::string fingerprint() const override { return fingerprint_; }
  std::string description() const override;

 private:
  void add_identifiability(const DataConfig& config);
  void add_disentangled(const DataConfig& config);

  std::optional<data::Identifiability> process_;  // of fresh batches
  std::string what_, fingerprint_;
};

}  // namespace triptych::app

// DataSource: where batches come from. One class per kind of data (emoji pairs, feature files, generated data).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/model.h"

namespace triptych::app {

// What a probe may try to read from a code, for the rows of one modality: a class or a real vector each.
struct Factor {
  // Which code should hold it; foreign: neither; any: nobody knows (labels of the user).
  enum class Holder : std::uint8_t { shared, own, foreign, any };

  std::string name;  // "style"
  std::vector<std::string> classes;
  std::vector<std::int32_t> labels;  // one per row of the block it belongs to; none where `values` are given
  Holder holder = Holder::shared;
  Tensor values = {};  // (rows, width) float32
};

// Rows to encode for evaluation: one modality, without augmentation.
struct Block {
  std::size_t modality = 0;
  std::string view;                // "noto", "de"; empty when a modality has one view
  std::vector<std::int32_t> item;  // which item (concept, row) each row shows: equal items match across modalities
  std::vector<Factor> factors;
  ModalityBatch values;
};

class DataSource {
 public:
  virtual ~DataSource() = default;
  virtual std::vector<ModalitySpec> modalities() const = 0;
  virtual std::int64_t train_items() const = 0;
  // Of Batch::labels: the number of classes, or of columns of real targets; 0 where there are no labels.
  virtual std::int64_t label_outputs() const { return 0; }
  virtual std::int64_t test_items() const = 0;
  // A training batch: a pure function of (seed, step), whatever was asked before. Buffers of `to` are reused.
  virtual void train_batch(std::uint64_t seed, std::int64_t step, std::int64_t items, Batch& to) = 0;
  // Every view of every modality, of the training or the held-out items.
  virtual std::vector<Block> blocks(bool held_out) const = 0;
  // Identifies the data: recorded in checkpoints, compared on resume.
  virtual std::string fingerprint() const = 0;
  // What tells items apart, wherever they come from; empty where nothing does. Held-out items of one source that are
  // training items of another would be no test.
  virtual std::vector<std::string> identities(bool /*held_out*/) const { return {}; }
  virtual std::string description() const = 0;                      // one line for the plan
  virtual std::vector<std::string> warnings() const { return {}; }  // legal but rarely meant; one line each
};

}  // namespace triptych::app

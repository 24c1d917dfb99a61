// The codes of a data source: what evaluation, export and report read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/data_source.h"
#include "models/model.h"

namespace triptych::app {

// A block of one modality and view, encoded. Row i of the codes belongs to item[i].
struct CodedBlock {
  std::size_t modality = 0;
  std::string view;
  std::vector<std::int32_t> item;
  std::vector<Factor> factors;
  Tensor private_code, shared_code;  // (n, private width), (n, shared width); as the model gives them
  Tensor raw_shared_code = {};       // the same as shared_code; stays so when all_codes() scales its rows
  Tensor lone_private_code = {};     // the private code when the sample lacks all other modalities; where asked for
};

// Rows [from, to) of a batch of one modality.
ModalityBatch rows(const ModalitySpec& spec, const ModalityBatch& batch, std::int64_t from, std::int64_t to);

// The blocks without the items that lack a modality (no real token) in any of them: those have no pair to be found.
std::vector<Block> complete(const std::vector<ModalitySpec>& specs, std::vector<Block> blocks);

// Encodes blocks of the same items without dropout, at most 512 rows at a time; equal bits for any number of threads.
// As in training all modalities are present: the first view of each is encoded beside the first of all others, the
// second beside the second, and so on, around where a modality has fewer. `lone`: also each private code alone, to see
// whether the others leak into it.
std::vector<CodedBlock> encode(const Model& model, std::vector<Block> blocks, bool lone = false);

// The joint code (n, shared width) of items seen in one view of every modality: one block each, of the same items.
Tensor encode_joint(const Model& model, const std::vector<const Block*>& views);

// Every row scaled to length 1; a zero row stays.
Tensor unit_rows(const Tensor& code);

}  // namespace triptych::app

// The parts that evaluate() is made of, and what they share. Internal to app/evaluation*.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/evaluation.h"

namespace triptych::app {

using Views = std::vector<const CodedBlock*>;

// The blocks of a modality, in their order.
Views views_of(const std::vector<CodedBlock>& blocks, std::size_t modality);

// The rows of all parts, one part after the other: (n,d) each, of one width.
Tensor stacked(const std::vector<Tensor>& parts);

// The rows of all views, one view after the other.
Tensor stacked(const Views& views, Tensor CodedBlock::*code);
Tensor stacked_values(const Views& views, std::size_t factor);
std::vector<std::int32_t> stacked_labels(const Views& views, std::size_t factor);
std::vector<std::int32_t> stacked_items(const Views& views);

struct Side {
  const char* prefix;
  Tensor CodedBlock::*code;
};
inline const Side private_side{"private.", &CodedBlock::private_code}, shared_side{"shared.", &CodedBlock::shared_code};

void add_retrieval(const Codes& codes, Evaluation& e);
void add_probes(const Codes& codes, std::size_t modality, Evaluation& e);
// Without labels: what a linear map of the private code knows of another modality's shared code.
void add_linear_leakage(const Codes& codes, Evaluation& e);
// What the other modalities write into a private code: the share of its variance that goes when they do.
void add_input_leakage(const Codes& codes, std::size_t modality, Evaluation& e);
void add_task(const Codes& codes, Evaluation& e);
void add_cka(const Codes& codes, Evaluation& e);
void add_total_correlation(const Codes& codes, Evaluation& e);
void add_ranks(const Codes& codes, Evaluation& e);

}  // namespace triptych::app

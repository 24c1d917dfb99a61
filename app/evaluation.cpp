#include "app/evaluation.h"

#include <algorithm>
#include <cstring>

#include "app/evaluation_parts.h"
#include "core/error.h"

namespace triptych::app {

Tensor stacked(const std::vector<Tensor>& parts) {
  std::int64_t n = 0;
  for (const Tensor& t : parts) n += t.shape()[0];
  Tensor all({n, parts.front().shape()[1]}, parts.front().dtype());
  char* at = all.data<char>();
  for (const Tensor& t : parts) {
    std::memcpy(at, t.data<const char>(), static_cast<std::size_t>(t.bytes()));
    at += t.bytes();
  }
  return all;
}

Views views_of(const std::vector<CodedBlock>& blocks, std::size_t modality) {
  Views v;
  for (const CodedBlock& b : blocks)
    if (b.modality == modality) v.push_back(&b);
  return v;
}

Tensor stacked(const Views& views, Tensor CodedBlock::*code) {
  std::vector<Tensor> parts;
  for (const CodedBlock* v : views) parts.push_back(v->*code);
  return stacked(parts);
}

Tensor stacked_values(const Views& views, std::size_t factor) {
  std::vector<Tensor> parts;
  for (const CodedBlock* v : views) parts.push_back(v->factors[factor].values);
  return stacked(parts);
}

std::vector<std::int32_t> stacked_labels(const Views& views, std::size_t factor) {
  std::vector<std::int32_t> all;
  for (const CodedBlock* v : views) {
    const auto& labels = v->factors[factor].labels;
    all.insert(all.end(), labels.begin(), labels.end());
  }
  return all;
}

std::vector<std::int32_t> stacked_items(const Views& views) {
  std::vector<std::int32_t> all;
  for (const CodedBlock* v : views) all.insert(all.end(), v->item.begin(), v->item.end());
  return all;
}

Codes all_codes(const Model& model, const DataSource& data) {
  Codes codes;
  for (const ModalitySpec& m : data.modalities()) codes.modalities.push_back(m.name);
  // Nothing is encoded where no item has every modality.
  if (data.train_items() > 0)
    if (std::vector<Block> blocks = complete(data.blocks(false)); !blocks.front().item.empty())
      codes.train = encode(model, std::move(blocks));
  const auto& terms = model.config().objective;
  const bool task =
      std::ranges::any_of(terms, [](const TermConfig& t) { return t.on == std::vector<std::string>{"task"}; });
  std::vector<Block> blocks;
  if (data.test_items() > 0) blocks = complete(data.blocks(true));
  if (!blocks.empty() && !blocks.front().item.empty()) {
    if (task && data.label_outputs() > 0) {
      std::vector<const Block*> views;
      for (const Block& b : blocks) views.push_back(&b);
      codes.predicted = encode_joint(model, views, &Factors::task);
    }
    codes.test = encode(model, std::move(blocks), true);
  }
  for (auto* blocks : {&codes.train, &codes.test})
    for (CodedBlock& b : *blocks) b.shared_code = unit_rows(b.shared_code);
  return codes;
}

Evaluation evaluate(const Codes& codes) {
  if (codes.test.empty())
    throw Error(Exit::input, "eval.items",
                "the data holds out no items that have every modality, so nothing can be judged");
  Evaluation e;
  e.train_items = codes.train.empty() ? 0 : std::ssize(codes.train.front().item);
  e.test_items = std::ssize(codes.test.front().item);
  add_retrieval(codes, e);
  for (std::size_t m = 0; m < codes.modalities.size(); ++m) add_probes(codes, m, e);
  if (e.leakage.empty()) add_linear_leakage(codes, e);
  for (std::size_t m = 0; m < codes.modalities.size(); ++m) add_input_leakage(codes, m, e);
  add_total_correlation(codes, e);
  add_task(codes, e);
  add_cka(codes, e);
  add_ranks(codes, e);
  return e;
}

}  // namespace triptych::app

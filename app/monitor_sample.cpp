#include <algorithm>
#include <cstring>

#include "app/evaluation_codes.h"
#include "app/monitor.h"

namespace triptych::app {
namespace {

// Where row j comes from: a view and a row of it.
struct Origin {
  const Block* view;
  std::int64_t row;
};

Tensor picked(const std::vector<Origin>& from, Tensor ModalityBatch::*part) {
  const Tensor& first = from.front().view->values.*part;
  std::vector<std::int64_t> sizes(first.shape().sizes().begin(), first.shape().sizes().end());
  const std::int64_t bytes = first.bytes() / sizes[0];
  sizes[0] = std::ssize(from);
  Tensor all(Shape{std::span<const std::int64_t>(sizes)}, first.dtype());
  char* to = all.data<char>();
  for (const Origin& o : from) {
    std::memcpy(to, (o.view->values.*part).data<const char>() + o.row * bytes, static_cast<std::size_t>(bytes));
    to += bytes;
  }
  return all;
}

ModalityBatch picked_grams(const std::vector<Origin>& from) {
  std::vector<std::int32_t> index, offset{0};
  for (const Origin& o : from) {
    const auto* all = o.view->values.values.data<std::int32_t>();
    const auto* begin = o.view->values.offset.data<std::int32_t>() + o.row;
    index.insert(index.end(), all + begin[0], all + begin[1]);
    offset.push_back(static_cast<std::int32_t>(index.size()));
  }
  return {Tensor::from({std::ssize(index)}, std::span<const std::int32_t>(index)),
          Tensor::from({std::ssize(offset)}, std::span<const std::int32_t>(offset)),
          {}};
}

Factor picked_factor(const std::vector<Origin>& from, std::size_t f) {
  const Factor& first = from.front().view->factors[f];
  Factor all{.name = first.name, .classes = first.classes, .labels = {}, .holder = first.holder};
  if (first.values) all.values = Tensor({std::ssize(from), first.values.shape()[1]}, DType::f32);
  for (std::size_t j = 0; j < from.size(); ++j) {
    const Factor& of = from[j].view->factors[f];
    if (!all.values) {
      all.labels.push_back(of.labels[static_cast<std::size_t>(from[j].row)]);
      continue;
    }
    const std::int64_t width = all.values.shape()[1];
    std::copy_n(of.values.data<float>() + from[j].row * width, width,
                all.values.data<float>() + static_cast<std::int64_t>(j) * width);
  }
  return all;
}

}  // namespace

MonitorSample monitor_sample(const DataSource& data, bool held_out, std::int64_t most) {
  MonitorSample sample;
  if ((held_out ? data.test_items() : data.train_items()) == 0) return sample;
  const std::vector<Block> blocks = complete(data.blocks(held_out));
  const std::vector<ModalitySpec> specs = data.modalities();
  const std::int64_t n = std::ssize(blocks.front().item);
  sample.items = std::min(n, most);
  if (sample.items == 0) return sample;
  for (std::size_t m = 0; m < specs.size(); ++m) {
    std::vector<const Block*> views;
    for (const Block& b : blocks)
      if (b.modality == m) views.push_back(&b);
    std::vector<Origin> from;
    for (std::int64_t j = 0; j < sample.items; ++j)
      from.push_back({views[static_cast<std::size_t>(j) % views.size()], j * n / sample.items});
    ModalityBatch values;
    if (specs[m].kind == ModalityKind::ngrams) {
      values = picked_grams(from);
    } else {
      values.values = picked(from, &ModalityBatch::values);
      if (views.front()->values.mask) values.mask = picked(from, &ModalityBatch::mask);
    }
    sample.batch.modalities.push_back(std::move(values));
    sample.factors.emplace_back();
    for (std::size_t f = 0; f < views.front()->factors.size(); ++f)
      sample.factors.back().push_back(picked_factor(from, f));
  }
  return sample;
}

}  // namespace triptych::app

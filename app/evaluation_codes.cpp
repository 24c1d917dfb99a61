#include "app/evaluation_codes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <set>

#include "core/gather_rows.h"
#include "ops/masked_mean.h"

namespace triptych::app {
namespace {

constexpr std::int64_t most_rows = 512;

// Rows of a tensor whose first axis counts samples.
Tensor slice_rows(const Tensor& t, std::int64_t from, std::int64_t to) {
  std::vector<std::int64_t> sizes(t.shape().sizes().begin(), t.shape().sizes().end());
  const std::int64_t row = t.bytes() / std::max<std::int64_t>(1, sizes[0]);
  sizes[0] = to - from;
  Tensor out(Shape(sizes), t.dtype());
  std::memcpy(out.data<char>(), t.data<const char>() + from * row, static_cast<std::size_t>((to - from) * row));
  return out;
}

// Runs the model over n rows in pieces; take(factors, first row) copies what is wanted.
void encode_rows(const Model& model, const std::vector<const Block*>& parts, std::int64_t n,
                 const std::function<void(const Factors&, std::int64_t)>& take) {
  Tape tape(cpu_kernels());
  Context context(tape, model.parameters());
  const auto& specs = model.config().modalities;
  for (std::int64_t from = 0; from < n; from += most_rows) {
    Batch batch;
    batch.modalities.resize(specs.size());
    for (const Block* b : parts)
      batch.modalities[b->modality] = rows(specs[b->modality], b->values, from, std::min(n, from + most_rows));
    context.begin(false);
    take(model.factors(context, batch), from);
  }
}

// Copies a piece into the rows of `to` that begin at `from`; makes `to` at the first piece.
void place(const Tensor& piece, std::int64_t from, std::int64_t n, Tensor& to) {
  const std::int64_t width = piece.shape()[1];
  if (!to) to = Tensor({n, width}, piece.dtype());
  std::memcpy(to.data<char>() + from * width * size_of(piece.dtype()), piece.data<const char>(),
              static_cast<std::size_t>(piece.bytes()));
}

// (n,L,d) -> (n,d): the mean over real tokens.
Tensor mean_token(const ModalityBatch& b) {
  const Shape& s = b.values.shape();
  if (s[1] == 1) return b.values.reshaped({s[0], s[2]});
  Tape tape(cpu_kernels());
  return masked_mean(tape.constant(b.values), b.mask ? tape.constant(b.mask) : Var{}).value();
}

}  // namespace

ModalityBatch rows(const ModalitySpec& spec, const ModalityBatch& batch, std::int64_t from, std::int64_t to) {
  if (spec.kind != ModalityKind::ngrams)
    return {slice_rows(batch.values, from, to), {}, batch.mask ? slice_rows(batch.mask, from, to) : Tensor{}};
  const auto* offset = batch.offset.data<std::int32_t>();
  std::vector<std::int32_t> shifted(offset + from, offset + to + 1);
  const std::int32_t first = shifted.front(), last = shifted.back();
  for (std::int32_t& o : shifted) o -= first;
  return {slice_rows(batch.values, first, last),
          Tensor::from({std::ssize(shifted)}, std::span<const std::int32_t>(shifted)),
          {}};
}

std::vector<Block> complete(std::vector<Block> blocks) {
  std::set<std::int32_t> lacking;
  for (const Block& b : blocks) {
    if (!b.values.mask) continue;
    const std::int64_t tokens = b.values.mask.shape()[1];
    const float* mask = b.values.mask.data<float>();
    for (std::size_t i = 0; i < b.item.size(); ++i, mask += tokens)
      if (std::find_if(mask, mask + tokens, [](float x) { return x != 0; }) == mask + tokens) lacking.insert(b.item[i]);
  }
  if (lacking.empty()) return blocks;
  for (Block& b : blocks) {
    const Block all = std::move(b);
    b = {all.modality, all.view, {}, {}, {}};
    b.factors = all.factors;
    for (Factor& f : b.factors) f.labels.clear();
    std::vector<std::int32_t> kept;
    for (std::size_t i = 0; i < all.item.size(); ++i) {
      if (lacking.contains(all.item[i])) continue;
      kept.push_back(static_cast<std::int32_t>(i));
      b.item.push_back(all.item[i]);
      for (std::size_t f = 0; f < all.factors.size(); ++f)
        if (!all.factors[f].labels.empty()) b.factors[f].labels.push_back(all.factors[f].labels[i]);
    }
    for (std::size_t f = 0; f < all.factors.size(); ++f)
      if (all.factors[f].values) gather_rows(all.factors[f].values, kept, b.factors[f].values = Tensor{});
    gather_rows(all.values.values, kept, b.values.values);
    if (all.values.mask) gather_rows(all.values.mask, kept, b.values.mask);
  }
  return blocks;
}

std::vector<CodedBlock> encode(const Model& model, std::vector<Block> blocks, bool lone) {
  std::vector<CodedBlock> coded(blocks.size());
  std::vector<std::vector<std::size_t>> views(model.config().modalities.size());  // the blocks of each modality
  for (std::size_t i = 0; i < blocks.size(); ++i) views[blocks[i].modality].push_back(i);
  std::size_t most = 0;
  for (const auto& of : views) most = std::max(most, of.size());
  for (std::size_t view = 0; view < most; ++view) {
    std::vector<const Block*> together;
    for (const auto& of : views)
      if (!of.empty()) together.push_back(&blocks[of[view % of.size()]]);
    const std::int64_t n = std::ssize(together.front()->item);
    encode_rows(model, together, n, [&](const Factors& f, std::int64_t from) {
      for (std::size_t m = 0; m < views.size(); ++m) {
        if (view >= views[m].size()) continue;
        CodedBlock& c = coded[views[m][view]];
        place(f.private_codes[m].value(), from, n, c.private_code);
        place(f.shared_codes[m].value(), from, n, c.shared_code);
      }
    });
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    CodedBlock& c = coded[i];
    const std::int64_t n = std::ssize(blocks[i].item);
    if (lone)
      encode_rows(model, {&blocks[i]}, n, [&](const Factors& f, std::int64_t from) {
        place(f.private_codes[blocks[i].modality].value(), from, n, c.lone_private_code);
      });
    c.raw_shared_code = c.shared_code;
    const std::size_t m = blocks[i].modality;
    if (model.config().modalities[m].kind == ModalityKind::features) c.input = mean_token(blocks[i].values);
    c.modality = m;
    c.view = std::move(blocks[i].view);
    c.item = std::move(blocks[i].item);
    c.factors = std::move(blocks[i].factors);
  }
  return coded;
}

Tensor encode_joint(const Model& model, const std::vector<const Block*>& views, Var Factors::*what) {
  Tensor joint;
  const std::int64_t n = std::ssize(views.front()->item);
  encode_rows(model, views, n, [&](const Factors& f, std::int64_t from) { place((f.*what).value(), from, n, joint); });
  return joint;
}

Tensor unit_rows(const Tensor& code) {
  Tensor out = code.clone();
  const std::int64_t width = code.shape()[1];
  for (std::int64_t i = 0; i < code.shape()[0]; ++i) {
    double sum = 0;
    for (std::int64_t j = 0; j < width; ++j) sum += code.at(i * width + j) * code.at(i * width + j);
    const double scale = sum > 0 ? 1 / std::sqrt(sum) : 0;
    for (std::int64_t j = 0; j < width; ++j) out.set(i * width + j, scale * code.at(i * width + j));
  }
  return out;
}

}  // namespace triptych::app

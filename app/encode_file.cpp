#include "app/encode_file.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "app/evaluation_codes.h"
#include "core/error.h"

namespace triptych::app {
namespace {

// The rows of two tensors (either may be null), in the given order.
data::Array merged(const Tensor& a, const Tensor& b, const std::vector<std::size_t>& order) {
  const std::int64_t width = (a ? a : b).shape()[1], rows_of_a = a ? a.shape()[0] : 0;
  std::vector<float> out;
  out.reserve(order.size() * static_cast<std::size_t>(width));
  for (const std::size_t i : order) {
    const auto row = static_cast<std::int64_t>(i);
    const float* from = row < rows_of_a ? a.data<float>() + row * width : b.data<float>() + (row - rows_of_a) * width;
    out.insert(out.end(), from, from + width);
  }
  return data::make_array({std::ssize(order), width}, std::span<const float>(out));
}

}  // namespace

data::Safetensors encode_file(const Model& model, const DataSource& data) {
  const std::vector<ModalitySpec> specs = data.modalities();
  std::vector<Block> parts[2];
  if (data.train_items() > 0) parts[0] = data.blocks(false);
  if (data.test_items() > 0) parts[1] = data.blocks(true);
  if (parts[0].empty() && parts[1].empty()) throw Error(Exit::input, "encode.items", "the data holds no items");

  std::vector<std::int32_t> item;
  std::vector<std::uint8_t> held_out;
  Tensor joint[2];
  std::string joint_of;
  for (int p = 0; p < 2; ++p) {
    if (parts[p].empty()) continue;
    item.insert(item.end(), parts[p].front().item.begin(), parts[p].front().item.end());
    held_out.resize(item.size(), static_cast<std::uint8_t>(p));
    std::vector<const Block*> first;
    joint_of.clear();
    for (std::size_t m = 0; m < specs.size(); ++m)
      for (const Block& b : parts[p])
        if (b.modality == m) {
          first.push_back(&b);
          joint_of += (joint_of.empty() ? "" : ", ") + specs[m].name + (b.view.empty() ? "" : "." + b.view);
          break;
        }
    joint[p] = encode_joint(model, first);
  }
  std::vector<std::size_t> order(item.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return item[a] < item[b]; });

  const std::vector<CodedBlock> train = encode(model, std::move(parts[0])), test = encode(model, std::move(parts[1]));
  data::Safetensors file;
  const std::vector<CodedBlock>& named = train.empty() ? test : train;
  for (std::size_t i = 0; i < named.size(); ++i) {
    const std::string name = specs[named[i].modality].name + (named[i].view.empty() ? "" : "." + named[i].view);
    const auto add = [&](const std::string& side, Tensor CodedBlock::*code) {
      file.tensors.emplace_back(side + name, merged(train.empty() ? Tensor{} : train[i].*code,
                                                    test.empty() ? Tensor{} : test[i].*code, order));
    };
    add("private.", &CodedBlock::private_code);
    add("shared.", &CodedBlock::shared_code);
  }
  file.tensors.emplace_back("joint", merged(joint[0], joint[1], order));
  std::vector<std::int32_t> items;
  data::Array flags{data::Dtype::boolean, {std::ssize(order)}, {}};
  for (const std::size_t i : order) {
    items.push_back(item[i]);
    flags.bytes.push_back(static_cast<std::byte>(held_out[i]));
  }
  file.tensors.emplace_back("item", data::make_array({std::ssize(items)}, std::span<const std::int32_t>(items)));
  file.tensors.emplace_back("held_out", std::move(flags));
  file.metadata = {{"data", data.fingerprint()}, {"joint", joint_of}, {"program", "triptych encode"}};
  return file;
}

}  // namespace triptych::app

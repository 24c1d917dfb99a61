#include "app/split_source.h"

#include <cstring>
#include <tuple>
#include <utility>

#include "app/run_hash.h"
#include "core/error.h"
#include "data/idx.h"

namespace triptych::app {

namespace {

// Rows of both, a's first.
Tensor joined(const Tensor& a, const Tensor& b) {
  if (!b) return a;
  Tensor all({a.shape()[0] + b.shape()[0], a.shape()[1]}, a.dtype());
  std::memcpy(all.data<char>(), a.data<char>(), static_cast<std::size_t>(a.bytes()));
  std::memcpy(all.data<char>() + a.bytes(), b.data<char>(), static_cast<std::size_t>(b.bytes()));
  return all;
}

}  // namespace

SplitSource::SplitSource(const DataConfig& config) {
  const std::string file = config.source.substr(std::string("split:").size());
  Hash hash;
  const auto read = [&](const std::string& path) {
    const data::IdxArray pictures = data::read_idx(path);
    data::Halves halves = data::split_pictures(pictures, path);
    for (const std::int64_t size : pictures.shape) hash.add(static_cast<std::uint64_t>(size));
    hash.add(std::as_bytes(std::span(pictures.values)));
    return halves;
  };
  const data::Halves first = read(file), held_out = config.test.empty() ? data::Halves{} : read(config.test);
  fingerprint_ = hash.text();
  const std::int64_t n = first.left.shape()[0];
  if (n < 5) reject_input("split.few", file, "shape", std::to_string(n) + " pictures, expected at least 5");
  if (held_out.left && held_out.left.shape()[1] != first.left.shape()[1])
    reject_input("split.test", config.test, "shape",
                 "halves of " + std::to_string(held_out.left.shape()[1]) + " pixels, expected " +
                     std::to_string(first.left.shape()[1]) + " as in " + escape_text(file, 4096));
  for (const auto& [name, half, rest] :
       {std::tuple("left", first.left, held_out.left), std::tuple("right", first.right, held_out.right)}) {
    const Tensor all = joined(half, rest);
    ModalitySpec spec;
    spec.name = name;
    spec.tokens = 1;
    spec.width = all.shape()[1];
    add(std::move(spec), {all.reshaped({all.shape()[0], 1, all.shape()[1]}), {}, {}});
  }
  held_out.left ? hold_out(held_out.left.shape()[0]) : split();
}

std::string SplitSource::description() const {
  return "halves of pictures: " + std::to_string(train_items() + test_items()) + " (" + std::to_string(train_items()) +
         " for training, " + std::to_string(test_items()) + " held out)";
}

}  // namespace triptych::app

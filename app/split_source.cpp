#include "app/split_source.h"

#include <utility>

#include "app/run_hash.h"
#include "core/error.h"
#include "data/idx.h"

namespace triptych::app {

SplitSource::SplitSource(const DataConfig& config) {
  const std::string file = config.source.substr(std::string("split:").size());
  const data::IdxArray pictures = data::read_idx(file);
  const data::Halves halves = data::split_pictures(pictures, file);
  const std::int64_t n = halves.left.shape()[0];
  if (n < 5) reject_input("split.few", file, "shape", std::to_string(n) + " pictures, expected at least 5");
  Hash hash;
  for (const std::int64_t size : pictures.shape) hash.add(static_cast<std::uint64_t>(size));
  fingerprint_ = hash.add(std::as_bytes(std::span(pictures.values))).text();
  for (const auto& [name, half] : {std::pair("left", halves.left), std::pair("right", halves.right)}) {
    ModalitySpec spec;
    spec.name = name;
    spec.tokens = 1;
    spec.width = half.shape()[1];
    add(std::move(spec), {half.reshaped({n, 1, half.shape()[1]}), {}, {}});
  }
  split();
}

std::string SplitSource::description() const {
  return "halves of pictures: " + std::to_string(train_items() + test_items()) + " (" + std::to_string(train_items()) +
         " for training, " + std::to_string(test_items()) + " held out)";
}

}  // namespace triptych::app

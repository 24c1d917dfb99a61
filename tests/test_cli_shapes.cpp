// Every function that `compute` reaches, with the shape of one input changed: it works or throws Error, and never
// touches memory that is not its own (the asan preset sees to that).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/error.h"
#include "losses/registry.h"
#include "ops/registry.h"

using namespace triptych;

namespace {

std::vector<Shape> neighbours(const Shape& shape) {
  std::vector<Shape> all;
  std::vector<std::int64_t> sizes(shape.sizes().begin(), shape.sizes().end());
  for (std::int64_t& s : sizes)
    for (const std::int64_t step : {-1, 1, 7}) {
      s += step;
      all.emplace_back(sizes);
      s -= step;
    }
  if (!sizes.empty()) {
    all.emplace_back(std::vector<std::int64_t>(sizes.begin() + 1, sizes.end()));
    all.emplace_back(std::vector<std::int64_t>());
  }
  sizes.push_back(2);
  if (sizes.size() <= Shape::max_rank) all.emplace_back(sizes);
  return all;
}

void try_call(const OpInfo& info, const std::vector<Tensor>& inputs, const Settings& settings) {
  std::string line(info.name);
  for (const Tensor& t : inputs) line += " " + (t ? t.shape().text() : "-");
  CAPTURE(line);
  try {
    Tape tape(reference_kernels());
    std::vector<Var> in;
    const Outputs out = call(info, tape, inputs, settings, in);
    std::erase(in, Var{});
    for (const Var& y : out)
      if (y && y.requires_grad()) tape.gradients(y, in, Tensor::full(y.shape(), y.dtype(), 1));
  } catch (const Error& error) {
    CHECK_MESSAGE(error.exit != Exit::internal, error.what());
  }
}

}  // namespace

TEST_CASE("compute: an input of another shape is refused or works") {
  for (const auto registry : {all_ops(), all_losses()})
    for (const OpInfo* info : registry)
      for (const Sample& sample : info->samples) {
        const std::vector<Tensor> inputs = make_inputs(*info, sample, DType::f64);
        for (std::size_t i = 0; i < inputs.size(); ++i) {
          if (!inputs[i]) continue;
          for (const Shape& shape : neighbours(inputs[i].shape())) {
            std::vector<Tensor> changed = inputs;
            changed[i] = Tensor::zeros(shape, inputs[i].dtype());
            try_call(*info, changed, sample.settings);
          }
        }
      }
}

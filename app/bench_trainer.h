// What `bench` times: a scheme on random features, with the shapes, losses and optimizer that its peers are timed with.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/model.h"
#include "optim/adam.h"
#include "optim/surgery/surgeon.h"

namespace triptych::app {

using BenchClock = std::chrono::steady_clock;
inline double ms_since(BenchClock::time_point start) {
  return std::chrono::duration<double, std::milli>(BenchClock::now() - start).count();
}

struct BenchConfig {
  std::string_view name;
  std::int64_t batch, text_tokens, image_tokens, width;
  int heads;
};
const BenchConfig& bench_config(std::string_view name);  // tiny, small, base or large

Tensor normal_tensor(Shape shape, std::uint64_t stream);
ModelConfig bench_model(const std::string& scheme, const BenchConfig& c);

class BenchTrainer {
 public:
  BenchTrainer(const ModelConfig& model, const BenchConfig& c);
  void step();                           // one backward pass for the sum of the losses
  void step(surgery::Surgeon& surgeon);  // through surgery
  const Model& model() const { return *model_; }

 private:
  LossTerms forward();
  void update(std::span<const Tensor> gradients);

  std::unique_ptr<Model> model_;
  Batch batch_;
  Tape tape_{cpu_kernels()};
  Context context_{tape_, model_->parameters()};
  Adam optimizer_{cpu_kernels(), model_->parameters()};
  Gradients gradients_;
  std::vector<Tensor> operated_;
};

}  // namespace triptych::app

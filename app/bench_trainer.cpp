#include "app/bench_trainer.h"

#include <algorithm>

#include "core/rng.h"

namespace triptych::app {

const BenchConfig& bench_config(std::string_view name) {
  static constexpr BenchConfig configs[] = {{"tiny", 16, 12, 16, 64, 4},
                                            {"small", 32, 16, 64, 128, 8},
                                            {"base", 64, 32, 196, 512, 8},
                                            {"large", 32, 77, 256, 768, 12}};
  return *std::find_if(std::begin(configs), std::end(configs), [&](const BenchConfig& c) { return c.name == name; });
}

Tensor normal_tensor(Shape shape, std::uint64_t stream) {
  Tensor t(shape, DType::f32);
  Rng rng(0, stream);
  float* x = t.data<float>();
  for (std::int64_t i = 0, n = t.size(); i < n; ++i) x[i] = static_cast<float>(rng.normal());
  return t;
}

ModelConfig bench_model(const std::string& scheme, const BenchConfig& c) {
  ModelConfig m;
  m.scheme = {scheme};
  m.modalities = {{.name = "text", .tokens = c.text_tokens, .width = c.width},
                  {.name = "image", .tokens = c.image_tokens, .width = c.width}};
  m.width = m.private_width = m.shared_width = c.width;
  m.bridge = {0, 0};
  const double per_column = 1 / static_cast<double>(c.width);
  const TermConfig align{"align", "clip", {"shared"}};
  if (scheme == "shared-private") {
    m.objective = {{"reconstruct", "mse", {"reconstruction"}},
                   align,
                   {"decorrelate", "xcov", {"private-shared", "private"}, per_column, per_column}};
    return m;
  }
  m.encoder = "none";
  m.private_width = m.shared_width = 0;
  if (scheme == "modality-moe") {
    m.moe.experts.k = 2;
    m.moe.block_code = true;
    m.moe.private_residual = false;
    m.objective = {align, {"balance", "switch_balance", {"routing"}, 0.015, 0.015}};  // 6 / 4 of the peer's 0.01
    return m;
  }
  m.query_banks.heads = m.typed_slots.heads = c.heads;
  m.query_banks.modality_embedding = false;
  m.typed_slots.compete = m.typed_slots.norms = m.typed_slots.mlp = m.typed_slots.type_in_query = false;
  m.objective = {align,
                 {"decorrelate", "xcov", {"private"}, per_column, per_column},
                 {"variance", "variance_hinge", {"private"}},
                 {"joint", "mean_square", {"joint-tokens"}, 1e-3, 1e-3}};
  return m;
}

BenchTrainer::BenchTrainer(const ModelConfig& model, const BenchConfig& c) : model_(make_model(model, DType::f32, 0)) {
  for (const std::int64_t tokens : {c.text_tokens, c.image_tokens})
    batch_.modalities.push_back(
        {normal_tensor({c.batch, tokens, c.width}, static_cast<std::uint64_t>(tokens)), {}, {}});
}

LossTerms BenchTrainer::forward() {
  context_.begin(true);
  return model_->objective(context_, batch_, 1);
}

void BenchTrainer::update(std::span<const Tensor> gradients) {
  optimizer_.step(1e-4, gradients);
  model_->after_step();
}

void BenchTrainer::step() {
  const LossTerms objective = forward();
  tape_.gradients(objective.total, context_.parameters(), gradients_);
  update(gradients_.tensors());
}

void BenchTrainer::step(surgery::Surgeon& surgeon) {
  std::vector<surgery::Surgeon::Loss> losses;
  for (const LossTerm& l : forward().terms) losses.push_back({l.name, l.value, l.weight});
  surgeon.operate(tape_, losses, context_.parameters(), 0, operated_);
  update(operated_);
  for (Tensor& g : operated_) g = {};  // room for the next step's
}

}  // namespace triptych::app

// The smallest use of Triptych inside a C++ program: two modalities of ready-made features, a few training steps, and
// the codes that come out.
#include <cstdio>

#include "core/rng.h"
#include "models/model.h"
#include "optim/adam.h"

using namespace triptych;

int main() {
  // 64 samples. Both modalities show the same 2 numbers, and each has 2 of its own, mixed into 8 features.
  Batch batch;
  Rng rng(1);
  std::vector<double> shared(64 * 2);
  for (double& x : shared) x = rng.normal();
  for (int m = 0; m < 2; ++m) {
    Tensor x({64, 1, 8}, DType::f32);
    for (int i = 0; i < 64; ++i)
      for (int j = 0; j < 8; ++j)
        x.set(i * 8 + j, j < 4 ? shared[static_cast<std::size_t>(i * 2 + j % 2)] * (1 + m) : rng.normal());
    batch.modalities.push_back({x, {}, {}});
  }

  ModelConfig config;
  config.modalities = {{.name = "left", .tokens = 1, .width = 8}, {.name = "right", .tokens = 1, .width = 8}};
  config.width = 16;
  config.private_width = config.shared_width = 4;
  config.bridge = {0, 0};  // shared from the first step
  const auto model = make_model(config, DType::f32, 0);

  Tape tape(cpu_kernels());
  Context context(tape, model->parameters());
  Adam optimizer(cpu_kernels(), model->parameters());
  for (int step = 0; step < 200; ++step) {
    context.begin(true, 0, step);
    const LossTerms objective = model->objective(context, batch, step / 200.0);
    if (step % 50 == 0) std::printf("step %3d  loss %.3f\n", step, objective.total.value().item());
    optimizer.step(3e-3, tape.gradients(objective.total, context.parameters()).tensors());
    model->after_step();
  }
  context.begin(false);
  const Factors codes = model->factors(context, batch);
  std::printf("codes: private %s, shared %s\n", codes.private_codes[0].shape().text().c_str(),
              codes.shared_codes[0].shape().text().c_str());
}

#include "optim/surgery/learned_number.h"

#include "backends/backend.h"

namespace triptych::surgery {

void LearnedNumber::step(double gradient, double lr) {
  const auto view = [](double& x) { return View{&x, DType::f64}; };
  cpu_kernels().adam({.lr = lr, .step = static_cast<std::int64_t>(++steps)}, view(value), view(gradient), view(m),
                     view(v), 1);
}

void LearnedNumber::remember(const std::string& name, Weighting::Memory& memory) {
  memory.emplace_back(name, &value);
  memory.emplace_back(name + ".m", &m);
  memory.emplace_back(name + ".v", &v);
  memory.emplace_back(name + ".steps", &steps);
}

}  // namespace triptych::surgery

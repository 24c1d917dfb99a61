#include "app/bench_surgery.h"

#include <algorithm>
#include <cmath>

#include "backends/backend.h"

namespace triptych::app {
namespace {

double rounded(double x) { return std::round(x * 1000) / 1000; }

nlohmann::ordered_json summary(std::vector<double>& ms) {
  std::sort(ms.begin(), ms.end());
  return {{"min", rounded(ms[0])}, {"median", rounded(ms[ms.size() / 2])}};
}

ModelConfig with_four_losses(ModelConfig m) {
  const double per_column = 1 / static_cast<double>(m.width);
  for (const TermConfig& extra : {TermConfig{"variance", "variance_hinge", {"private"}},
                                  TermConfig{"decorrelate", "xcov", {"private"}, per_column, per_column}}) {
    const auto named = [&](const TermConfig& t) { return t.name == extra.name; };
    if (m.objective.size() < 4 && std::none_of(m.objective.begin(), m.objective.end(), named))
      m.objective.push_back(extra);
  }
  return m;
}

}  // namespace

nlohmann::ordered_json bench_surgery(const std::string& scheme, const BenchConfig& c, int steps, int warmup) {
  BenchTrainer t(with_four_losses(bench_model(scheme, c)), c);
  std::vector<std::string> losses;
  for (const TermConfig& term : t.model().config().objective) losses.push_back(term.name);
  surgery::Surgeon surgeon({.method = "upgrad"}, losses, 0);
  for (int i = 0; i < warmup; ++i) t.step(), t.step(surgeon);
  std::vector<double> plain, operated;
  for (int i = 0; i < steps; ++i) {
    auto start = BenchClock::now();
    t.step();
    plain.push_back(ms_since(start));
    start = BenchClock::now();
    t.step(surgeon);
    operated.push_back(ms_since(start));
  }
  const nlohmann::ordered_json plain_ms = summary(plain), surgery_ms = summary(operated);
  return {{"scheme", scheme},
          {"config", c.name},
          {"threads", threads()},
          {"losses", losses},
          {"plain_ms", plain_ms},
          {"surgery_ms", surgery_ms},
          {"plain_steps", rounded(operated[operated.size() / 2] / plain[plain.size() / 2])},
          {"bound", 1 + 0.6 * static_cast<double>(losses.size() - 1)}};
}

}  // namespace triptych::app

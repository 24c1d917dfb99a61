// The surgeon: per-loss gradients of one tape made one.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "core/error.h"
#include "core/parameter.h"
#include "ops/matmul.h"
#include "ops/mean.h"
#include "ops/mul.h"
#include "ops/square.h"
#include "ops/sub.h"
#include "optim/surgery/surgeon.h"

using namespace triptych;
using surgery::Surgeon;
using surgery::SurgeryConfig;

namespace {

// Two losses that pull a shared parameter apart, and a private one of each:
//   L_1 = mean (s + p - 1)^2,   L_2 = 4 size mean (s - q + 1)^2
struct TwoLosses {
  Parameters parameters;
  Tape tape{cpu_kernels()};
  std::vector<Var> vars;
  std::vector<Surgeon::Loss> losses;

  explicit TwoLosses(double size = 1) {
    const auto value = [](double a, double b) {
      const double v[] = {a, b};
      return Tensor::from({2}, std::span<const double>(v), DType::f64);
    };
    parameters.add("s", value(0.5, -0.25), true);
    parameters.add("p", value(0.1, 0.2));
    parameters.add("q", value(-0.3, 0.4));
    for (const Parameter& p : parameters) vars.push_back(tape.variable(p.value));
    const Var one = tape.constant(value(1, 1)), minus = tape.constant(value(-1, -1)),
              four = tape.constant(Tensor::scalar(4 * size, DType::f64));
    const Var first = mean(square(sub(sub(vars[0], mul(vars[1], minus)), one)));
    const Var second = mul(mean(square(sub(sub(vars[0], vars[2]), minus))), four);
    losses = {{"first", first, 2}, {"second", second, 0.5}};
  }
  std::vector<Tensor> operate(Surgeon& surgeon, Surgeon::Report* report = nullptr) {
    std::vector<Tensor> gradients;
    const Surgeon::Report r = surgeon.operate(tape, losses, vars, 0, gradients);
    if (report) *report = r;
    return gradients;
  }
  Tensor gradient(std::size_t loss, std::size_t parameter) {
    const Tensor g = tape.gradients(losses[loss].value, vars)[vars[parameter]];
    if (!g) return g;
    Tensor weighted = g.clone();
    for (int i = 0; i < g.size(); ++i) weighted.set(i, losses[loss].weight * g.at(i));
    return weighted;
  }
};

const char* const weightings[] = {"dwa", "famo", "gradnorm", "uncertainty_weighting"};

double dot(const Tensor& a, const Tensor& b) {
  double s = 0;
  for (int i = 0; i < a.size(); ++i) s += a.at(i) * b.at(i);
  return s;
}

}  // namespace

TEST_CASE("surgeon: sum is the gradient of the weighted sum, and names what conflicts") {
  TwoLosses t;
  Surgeon surgeon({.method = "sum"}, {"first", "second"}, 0);
  Surgeon::Report report;
  const auto g = t.operate(surgeon, &report);
  const Tensor a = t.gradient(0, 0), b = t.gradient(1, 0);
  for (int i = 0; i < 2; ++i) CHECK(g[0].at(i) == doctest::Approx(a.at(i) + b.at(i)).epsilon(1e-14));
  CHECK(same_bits(g[1], t.gradient(0, 1)));
  CHECK(same_bits(g[2], t.gradient(1, 2)));
  CHECK(report.conflicts.norms(0) == doctest::Approx(std::sqrt(dot(a, a))).epsilon(1e-14));
  CHECK(report.conflicts.cosines(0, 1) == doctest::Approx(dot(a, b) / std::sqrt(dot(a, a) * dot(b, b))).epsilon(1e-14));
  CHECK(report.conflicts.cosines(0, 1) < 0);  // else the next test is of nothing
}

TEST_CASE("surgeon: surgery settles conflicts on shared parameters and leaves private ones the plain sum") {
  for (const char* method : {"pcgrad", "upgrad", "mgda", "nash_mtl"}) {
    CAPTURE(method);
    TwoLosses t;
    Surgeon surgeon({.method = method}, {"first", "second"}, 0);
    const auto g = t.operate(surgeon);
    CHECK(dot(g[0], t.gradient(0, 0)) > -1e-12);
    CHECK(dot(g[0], t.gradient(1, 0)) > -1e-12);
    CHECK(same_bits(g[1], t.gradient(0, 1)));
    CHECK(same_bits(g[2], t.gradient(1, 2)));
  }
}

TEST_CASE("surgeon: a loss without a gradient of what is shared has no say") {
  TwoLosses t;
  const Var own = mean(square(t.vars[1])),
            zero = mul(mean(square(t.vars[0])), t.tape.constant(Tensor::scalar(0, DType::f64)));
  t.losses.push_back({"own", own, 1});
  t.losses.push_back({"zero", zero, 1});
  Surgeon mgda({.method = "mgda"}, {"first", "second", "own", "zero"}, 0);
  Surgeon::Report report;
  const auto g = t.operate(mgda, &report);
  CHECK(report.losses.back() != "zero");
  CHECK(dot(g[0], g[0]) > 0);
}

TEST_CASE("surgeon: pcgrad meets the tasks in another order in other steps") {
  TwoLosses t;
  t.losses.push_back({"third", mean(square(mul(t.vars[0], t.vars[1]))), -30});
  t.losses.push_back({"fourth", mean(square(mul(t.vars[0], t.vars[2]))), -20});
  Surgeon pcgrad({.method = "pcgrad"}, {"first", "second", "third", "fourth"}, 0);
  std::set<double> seen;
  for (int step = 0; step < 10; ++step) {
    std::vector<Tensor> g;
    pcgrad.operate(t.tape, t.losses, t.vars, step, g);
    seen.insert(g[0].at(0));
  }
  CHECK(seen.size() > 1);
}

TEST_CASE("surgeon: gradnorm starts from equal weights, learns, and goes on from a restored state") {
  TwoLosses t;
  Surgeon a({.method = "gradnorm"}, {"first", "second"}, 0), b({.method = "gradnorm"}, {"first", "second"}, 0);
  Surgeon::Report report;
  t.operate(a, &report);
  CHECK(report.weights(0) == 1);
  b.restore(a.state());
  const auto g = t.operate(a, &report), h = t.operate(b);
  CHECK(report.weights(0) != 1);
  CHECK(report.weights.sum() == doctest::Approx(2).epsilon(1e-14));
  CHECK(same_bits(g[0], h[0]));
}

TEST_CASE("surgeon: weightings without surgery take the gradient of the weighted sum, of private parameters too") {
  for (const char* method : {"dwa", "famo", "uncertainty_weighting"}) {
    CAPTURE(method);
    TwoLosses t;
    Surgeon surgeon({.method = method}, {"first", "second"}, 0);
    Surgeon::Report report;
    const auto g = t.operate(surgeon, &report);
    CHECK(report.losses == std::vector<std::string_view>{"first", "second"});
    CHECK(report.conflicts.tasks() == 0);
    const double a = report.weights(0), b = report.weights(1);
    for (int i = 0; i < 2; ++i) {
      CHECK(g[0].at(i) == doctest::Approx(a * t.gradient(0, 0).at(i) + b * t.gradient(1, 0).at(i)).epsilon(1e-14));
      CHECK(g[1].at(i) == doctest::Approx(a * t.gradient(0, 1).at(i)).epsilon(1e-14));
      CHECK(g[2].at(i) == doctest::Approx(b * t.gradient(1, 2).at(i)).epsilon(1e-14));
    }
  }
}

TEST_CASE("surgeon: uncertainty weighting comes to 1 / (2 L) for every loss") {
  TwoLosses t;
  Surgeon surgeon({.method = "uncertainty_weighting"}, {"first", "second"}, 0);
  Surgeon::Report report;
  t.operate(surgeon, &report);
  CHECK(report.weights(0) == 0.5);
  for (int step = 0; step < 500; ++step) t.operate(surgeon, &report);
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(report.weights(static_cast<int>(i)) * 2 * t.losses[i].weight * t.losses[i].value.value().item() ==
          doctest::Approx(1).epsilon(1e-3));
}

TEST_CASE("surgeon: DWA compares the means of two epochs, and waits for them") {
  TwoLosses whole, half(0.5);
  Surgeon surgeon({.method = "dwa"}, {"first", "second"}, 0, 2);
  Surgeon::Report report;
  for (TwoLosses* t : {&whole, &whole, &whole, &half}) {  // the second loss falls to 3/4 of its mean
    t->operate(surgeon, &report);
    CHECK(report.weights == surgery::Vector::Ones(2));
  }
  for (int step = 0; step < 2; ++step) {
    whole.operate(surgeon, &report);
    const double share = 1 / (1 + std::exp((0.75 - 1) / 2));
    CHECK(report.weights(0) == doctest::Approx(2 * share).epsilon(1e-14));
    CHECK(report.weights.sum() == doctest::Approx(2).epsilon(1e-14));
  }
}

TEST_CASE("surgeon: FAMO starts from 1 / L, and gives less to the loss that fell faster in its step") {
  TwoLosses t, after(0.5);
  Surgeon surgeon({.method = "famo"}, {"first", "second"}, 0);
  CHECK(surgeon.needs_next_values());
  CHECK_FALSE(Surgeon({.method = "dwa"}, {}, 0).needs_next_values());
  Surgeon::Report report;
  t.operate(surgeon, &report);
  const auto weighted = [&](std::size_t i) { return t.losses[i].weight * t.losses[i].value.value().item(); };
  CHECK(report.weights(0) / report.weights(1) == doctest::Approx(weighted(1) / weighted(0)).epsilon(1e-7));
  surgeon.compare(after.losses);
  const double before = report.weights(1);
  t.operate(surgeon, &report);
  CHECK(report.weights(1) < before);
  CHECK(report.weights.sum() == doctest::Approx(1).epsilon(1e-14));
  after.losses[1].value = after.tape.constant(Tensor::scalar(INFINITY, DType::f64));
  CHECK_THROWS_WITH_AS(surgeon.compare(after.losses), "famo needs losses above 0: 'second' is inf at this step", Error);
}

TEST_CASE("surgeon: weightings refuse a loss below 0 and leave out one that is 0") {
  for (const char* method : weightings) {
    CAPTURE(method);
    Surgeon surgeon({.method = method}, {"first", "second"}, 0);
    TwoLosses negative(-1), zero(0);
    const std::string message = std::string(method) + " needs losses above 0: 'second' is -";
    CHECK_THROWS_WITH_AS(negative.operate(surgeon), doctest::Contains(message.c_str()), Error);
    Surgeon::Report report;
    const auto g = zero.operate(surgeon, &report);
    CHECK(report.losses.size() <= 1);  // gradnorm: nothing is shared then
    CHECK(std::isfinite(dot(g[0], g[0])));
    CHECK_FALSE(g[2]);
    if (surgeon.needs_next_values()) surgeon.compare(zero.losses);
    zero.operate(surgeon, &report);
    CHECK(report.weights.allFinite());
  }
}

TEST_CASE("surgeon: a weighting goes on from a restored state bit for bit") {
  for (const char* method : weightings) {
    CAPTURE(method);
    const auto run = [&](bool interrupted) {
      auto surgeon = std::make_unique<Surgeon>(SurgeryConfig{.method = method, .decay = 0.1},
                                               std::vector<std::string>{"first", "second"}, 0, 2);
      Surgeon::Report report;
      for (int step = 0; step < 9; ++step) {
        TwoLosses t(1.0 / (1 + step)), after(1.0 / (2 + step));
        t.operate(*surgeon, &report);
        if (surgeon->needs_next_values()) surgeon->compare(after.losses);
        if (!interrupted) continue;
        Surgeon::State state = surgeon->state();
        std::swap(state.front(), state.back());
        surgeon = std::make_unique<Surgeon>(SurgeryConfig{.method = method, .decay = 0.1},
                                            std::vector<std::string>{"first", "second"}, 0, 2);
        surgeon->restore(state);
      }
      return report.weights;
    };
    const surgery::Vector weights = run(false);
    CHECK(run(true) == weights);
    CHECK(weights != surgery::Vector::Ones(2));
  }
}

TEST_CASE("surgeon: every name is a method or a weighting, and they are said once") {
  const auto& names = surgery::surgery_names();
  CHECK(std::set<std::string_view>(names.begin(), names.end()).size() == names.size());
  for (const std::string_view name : names) CHECK_NOTHROW(Surgeon({.method = std::string(name)}, {"first"}, 0));
  for (const char* method : weightings) CHECK(std::find(names.begin(), names.end(), method) != names.end());
}

TEST_CASE("surgeon: unknown methods, foreign states and gradients that are not finite are refused") {
  CHECK_THROWS_WITH_AS(Surgeon({.method = "pcgrda"}, {}, 0), "unknown method of gradient surgery 'pcgrda'", Error);
  Surgeon gradnorm({.method = "gradnorm"}, {"first", "second"}, 0), plain({.method = "upgrad"}, {"first", "second"}, 0);
  CHECK_THROWS_WITH_AS(gradnorm.restore({}), "surgery state for 'gradnorm': first.first_loss is missing", Error);
  CHECK_THROWS_AS(plain.restore(gradnorm.state()), Error);
  TwoLosses infinite;
  infinite.losses[1].weight = INFINITY;
  CHECK_THROWS_WITH_AS(infinite.operate(plain), "the gradient of 'second' by the parameters it shares is not finite",
                       Error);
}

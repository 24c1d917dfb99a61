// Every registered metric: what its registry entry promises, and golden values (tests/golden/metrics.json, in the form
// of losses.json): computed elsewhere from the formulas in float64, some of them published.
#include <doctest/doctest.h>

#include <fstream>
#include <set>

#include "core/error.h"
#include "metrics/registry.h"
#include "tests/golden_values.h"
#include "tests/registered.h"

using namespace triptych;
using namespace triptych::golden_test;

TEST_CASE("metrics: golden values") {
  std::ifstream file(TRIPTYCH_GOLDEN_METRICS);
  REQUIRE(file);
  const json golden = json::parse(file);
  for (const json& c : golden.at("cases")) {
    const OpInfo* info = nullptr;
    for (const OpInfo* each : all_metrics())
      if (each->name == c.at("metric").get<std::string>()) info = each;
    REQUIRE(info != nullptr);
    CAPTURE(info->name);
    CAPTURE(c.at("source").get<std::string>());
    Tape tape(cpu_kernels());
    std::vector<Var> in;
    const Outputs out = call(*info, tape, inputs_of(*info, golden, c), settings_of(c), in);
    for (const auto& [key, value] : c.at("outputs").items()) {
      CAPTURE(key);
      std::size_t k = 0;
      while (k < info->outputs.size() && info->outputs[k] != key) ++k;
      REQUIRE(k < info->outputs.size());
      CHECK(deviation(out[k].value(), tensor(value, out[k].dtype())) < 1e-12);
    }
  }
}

TEST_CASE(
    "metrics: names are unique, every entry says its chance level and when it misleads, nothing wants a gradient") {
  std::set<std::string_view> names;
  for (const OpInfo* other : registered()) names.insert(other->name);
  for (const OpInfo* metric : all_metrics()) {
    CAPTURE(metric->name);
    CHECK(names.insert(metric->name).second);
    CHECK(metric->formula.starts_with("\n" + std::string(metric->name) + ":"));
    for (const char* part : {"\n  measures ", "\n  forward ", "\n  chance ", "\n  misleads ", "\n  source "})
      CHECK_MESSAGE(metric->formula.find(part) != std::string_view::npos, part);
    for (const Input& i : metric->inputs) CHECK(i.kind != Kind::real);
    CHECK_FALSE(metric->samples.empty());
    CHECK_FALSE(metric->errors.empty());
  }
}

TEST_CASE("metrics: every sample gives finite outputs of the input's dtype, float32 like float64") {
  for (const OpInfo* metric : all_metrics())
    for (const Sample& sample : metric->samples) {
      CAPTURE(metric->name);
      CAPTURE(sample.name);
      Tape wide(cpu_kernels()), narrow(cpu_kernels());
      const Outputs a = computed(*metric, wide, sample, DType::f64), b = computed(*metric, narrow, sample, DType::f32);
      REQUIRE(a.size() == metric->outputs.size());
      for (std::size_t k = 0; k < a.size(); ++k) {
        CHECK(bool(a[k]) == bool(b[k]));
        if (!a[k]) continue;
        CHECK(!a[k].requires_grad());
        CHECK((a[k].dtype() == DType::i32 || (a[k].dtype() == DType::f64 && b[k].dtype() == DType::f32)));
        CHECK(deviation(a[k].value(), b[k].value()) < 1e-3);
      }
    }
}

TEST_CASE("metrics: every error case throws its message") {
  for (const OpInfo* metric : all_metrics())
    for (const ErrorCase& e : metric->errors) {
      CAPTURE(metric->name);
      Tape tape(cpu_kernels());
      CHECK_THROWS_WITH_AS(computed(*metric, tape, e.sample, DType::f64), std::string(e.message).c_str(), Error);
    }
}

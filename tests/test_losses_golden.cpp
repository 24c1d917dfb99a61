// Golden values of every loss: computed elsewhere from the formulas in float64, gradients from a six-point stencil.
// tests/golden/losses.json names arrays once; a case gives inputs (an array's name, or a number for a scalar), settings
// and what must come out: outputs by name, gradients of the first output as grad_<input>.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "losses/registry.h"

using namespace triptych;
using nlohmann::json;

namespace {

void collect(const json& j, std::vector<double>& values) {
  if (!j.is_array()) return values.push_back(j.get<double>());
  for (const json& item : j) collect(item, values);
}

Tensor tensor(const json& j, DType dtype = DType::f64) {
  std::vector<std::int64_t> sizes;
  for (const json* level = &j; level->is_array(); level = &level->at(0))
    sizes.push_back(static_cast<std::int64_t>(level->size()));
  std::vector<double> values;
  collect(j, values);
  return Tensor::from(Shape(sizes), std::span<const double>(values), dtype);
}

Setting setting(const json& j) {
  if (j.is_boolean()) return j.get<bool>();
  if (j.is_string()) return j.get<std::string>();
  return j.get<double>();
}

double deviation(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (std::int64_t i = 0; i < a.size(); ++i)
    worst = std::isfinite(a.at(i)) ? std::max(worst, std::abs(a.at(i) - b.at(i))) : INFINITY;
  return worst;
}

const OpInfo& loss_named(const std::string& name) {
  for (const OpInfo* info : all_losses())
    if (info->name == name) return *info;
  FAIL("no such loss: ", name);
  std::abort();
}

}  // namespace

TEST_CASE("losses: golden values and gradients") {
  std::ifstream file(TRIPTYCH_GOLDEN_LOSSES);
  REQUIRE(file);
  const json golden = json::parse(file);
  for (const Kernels* kernels : {&reference_kernels(), &cpu_kernels()})
    for (const json& c : golden.at("cases")) {
      const OpInfo& info = loss_named(c.at("loss"));
      CAPTURE(info.name);
      CAPTURE(kernels->name);
      CAPTURE(c.at("source").get<std::string>());
      std::vector<Tensor> inputs;
      for (const Input& i : info.inputs) {
        const auto it = c.at("inputs").find(std::string(i.name));
        if (it == c.at("inputs").end())
          inputs.emplace_back();
        else
          inputs.push_back(tensor(it->is_string() ? golden.at("arrays").at(it->get<std::string>()) : *it,
                                  i.kind == Kind::index ? DType::i32 : DType::f64));
      }
      Settings settings;
      for (const auto& [key, value] : c.at("settings").items()) settings.emplace_back(key, setting(value));
      Tape tape(*kernels);
      std::vector<Var> in;
      const Outputs out = call(info, tape, inputs, settings, in);
      for (const auto& [key, value] : c.at("outputs").items()) {
        CAPTURE(key);
        std::size_t k = 0;
        while (k < info.outputs.size() && info.outputs[k] != key) ++k;
        if (k < info.outputs.size()) {
          CHECK(deviation(out[k].value(), tensor(value)) < 1e-12);
          continue;
        }
        std::size_t i = 0;
        while (i < in.size() && "grad_" + std::string(info.inputs[i].name) != key) ++i;
        REQUIRE(i < in.size());
        CHECK(deviation(tape.gradients(out[0], {in[i]})[in[i]], tensor(value)) < 1e-9);
      }
    }
}

// Golden values of every loss: computed elsewhere from the formulas in float64, gradients from a six-point stencil.
// tests/golden/losses.json names arrays once; a case gives inputs (an array's name, or a number for a scalar), settings
// and what must come out: outputs by name, gradients of the first output as grad_<input>.
#include <doctest/doctest.h>

#include <fstream>

#include "losses/registry.h"
#include "tests/golden_values.h"

using namespace triptych;
using namespace triptych::golden_test;

namespace {

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
      const std::vector<Tensor> inputs = inputs_of(info, golden, c);
      const Settings settings = settings_of(c);
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

// What every op and loss gets for being in its registry.
#include <doctest/doctest.h>

#include "core/error.h"
#include "core/gradcheck.h"
#include "losses/registry.h"
#include "ops/registry.h"

using namespace triptych;

namespace {

std::vector<const OpInfo*> registered() {
  std::vector<const OpInfo*> all;
  for (const auto list : {all_ops(), all_losses()}) all.insert(all.end(), list.begin(), list.end());
  return all;
}

}  // namespace

TEST_CASE("registry: every sample's gradients agree with finite differences, on both backends") {
  for (const OpInfo* op : registered())
    for (const Sample& sample : op->samples)
      for (const Kernels* k : {&reference_kernels(), &cpu_kernels()}) {
        const GradcheckResult r = gradcheck(*op, sample, *k);
        CAPTURE(op->name);
        CAPTURE(sample.name);
        CAPTURE(k->name);
        CAPTURE(r.max_rel_error);
        CHECK_MESSAGE(r.pass, r.reason);
      }
}

TEST_CASE("registry: every error case throws its message") {
  for (const OpInfo* op : registered())
    for (const ErrorCase& e : op->errors) {
      Tape tape(reference_kernels());
      std::vector<Var> in;
      CHECK_THROWS_WITH_AS(call(*op, tape, make_inputs(*op, e.sample, DType::f64), e.sample.settings, in),
                           std::string(e.message).c_str(), Error);
    }
}

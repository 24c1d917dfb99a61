// Mutation check: breaks every backward on purpose, one place at a time, and demands that the gradient check of an op
// or loss notices. Built with -DTRIPTYCH_MUTANTS=ON; exit 1 names every mutant that survived.
#include <cstdio>
#include <map>
#include <utility>

#include "backends/mutant.h"
#include "core/gradcheck.h"
#include "tests/registered.h"

using namespace triptych;

namespace {

struct Case {
  const OpInfo* op;
  const Sample* sample;
};

// Walks the sample's tape backwards once, from each of its outputs, to see which mutants it reaches.
std::set<std::string> reached(const Case& c) {
  mutant::seen.clear();
  mutant::collecting = true;
  Tape tape(reference_kernels());
  std::vector<Var> in, wanted;
  const Outputs out = call(*c.op, tape, make_inputs(*c.op, *c.sample, DType::f64), c.sample->settings, in);
  for (const Var& v : in)
    if (v.requires_grad()) wanted.push_back(v);
  for (const Var& y : out)
    if (y.requires_grad()) tape.gradients(y, wanted, Tensor::full(y.shape(), DType::f64, 1));
  mutant::collecting = false;
  return std::exchange(mutant::seen, {});
}

bool killed(const std::vector<Case>& cases) {
  for (const Case& c : cases)
    if (!gradcheck(*c.op, *c.sample, reference_kernels()).pass) return true;
  return false;
}

}  // namespace

int main() {
  std::map<std::string, std::vector<Case>> mutants;
  for (const OpInfo* op : registered())
    for (const Sample& sample : op->samples)
      for (const std::string& name : reached({op, &sample})) mutants[name].push_back({op, &sample});

  int survivors = 0;
  for (const auto& [name, cases] : mutants) {
    mutant::active = name;
    if (killed(cases)) continue;
    ++survivors;
    std::printf("survived: %s\n", name.c_str());
  }
  std::printf("%zu mutants, %zu killed\n", mutants.size(), mutants.size() - static_cast<std::size_t>(survivors));
  return mutants.empty() || survivors > 0;
}

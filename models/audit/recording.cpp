#include "models/audit/recording.h"

#include <algorithm>

namespace triptych {

std::vector<bool> data_of(const Recording& r, std::size_t modality) {
  std::vector<bool> holds(static_cast<std::size_t>(r.tape.size()));
  for (const AuditedInput& in : r.pass.inputs)
    if (in.modality == modality) holds[static_cast<std::size_t>(in.leaf.id())] = true;
  return holds;
}

std::vector<int> real_data_of(const Recording& r, std::size_t modality) {
  std::vector<int> real;
  std::vector<bool> indices(static_cast<std::size_t>(r.tape.size()));
  for (const AuditedInput& in : r.pass.inputs) {
    if (in.modality != modality) continue;
    if (in.leaf.requires_grad()) real.push_back(in.leaf.id());
    if (in.leaf.dtype() == DType::i32) indices[static_cast<std::size_t>(in.leaf.id())] = true;
  }
  for (int id = 0; id < r.tape.size(); ++id) {
    const auto& inputs = r.tape.node(id).inputs;
    if (std::any_of(inputs.begin(), inputs.end(),
                    [&](int input) { return input >= 0 && indices[static_cast<std::size_t>(input)]; }))
      real.push_back(id);
  }
  return real;
}

std::vector<int> choices_of_experts(const Tape& tape) {
  std::vector<int> choices;
  for (int id = 0; id < tape.size(); ++id) {
    const Tape::Node& node = tape.node(id);
    if (!node.op.starts_with("moe_")) continue;
    for (const int input : node.inputs)
      if (input >= 0 && tape.node(input).value.dtype() == DType::i32) choices.push_back(input);
  }
  return choices;
}

}  // namespace triptych

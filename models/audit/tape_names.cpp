#include "models/audit/tape_names.h"

#include <map>

namespace triptych {

std::vector<std::string> tape_names(const Context& c, const Parameters& parameters,
                                    std::span<const ModalitySpec> modalities, const Batch& batch) {
  std::vector<std::string> names(static_cast<std::size_t>(c.tape().size()));
  for (std::size_t i = 0; i < parameters.size(); ++i)
    names[static_cast<std::size_t>(c.parameters()[i].id())] = parameters[i].name;
  std::map<const void*, std::string> data;  // a leaf holds the batch's own storage
  const auto note = [&](const Tensor& t, const std::string& name) {
    if (t) data[t.data<void>()] = name;
  };
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    note(batch.modalities[m].values, modalities[m].name);
    note(batch.modalities[m].offset, modalities[m].name + ".offset");
    note(batch.modalities[m].mask, modalities[m].name + ".mask");
  }
  note(batch.labels, "labels");
  for (int id = 0; id < c.tape().size(); ++id) {
    const Tape::Node& node = c.tape().node(id);
    if (!node.inputs.empty()) continue;
    if (const auto at = data.find(node.value.data<void>()); at != data.end())
      names[static_cast<std::size_t>(id)] = at->second;
  }
  return names;
}

}  // namespace triptych

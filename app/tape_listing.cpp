#include "app/tape_listing.h"

#include <algorithm>
#include <map>

#include "models/audit/tape_names.h"

namespace triptych::app {

TapeListing list_tape(const Structure& s) {
  Tape tape(cpu_kernels());
  Context context(tape, s.model->parameters());
  context.begin(true);
  const LossTerms objective = s.model->objective(context, s.batch, 1);
  std::vector<std::string> names = tape_names(context, s.model->parameters(), s.model->config().modalities, s.batch);
  for (const LossTerm& t : objective.terms)
    names[static_cast<std::size_t>(t.value.id())] = "loss." + std::string(t.name);
  if (objective.total) {
    std::string& name = names[static_cast<std::size_t>(objective.total.id())];
    name = name.empty() ? "loss" : name + " = loss";  // one term of weight 1 is the whole
  }

  TapeListing list{s.title, std::vector<TapeNode>(names.size()), 0};
  std::map<const void*, int> holders;
  for (int id = 0; id < tape.size(); ++id) {
    const Tape::Node& node = tape.node(id);
    TapeNode& to = list.nodes[static_cast<std::size_t>(id)];
    to.op = node.op;
    to.name = std::move(names[static_cast<std::size_t>(id)]);
    to.shape = node.value.shape();
    to.dtype = node.value.dtype();
    to.bytes = node.value.bytes();
    to.requires_grad = node.requires_grad;
    to.storage = holders.emplace(node.value.data<void>(), id).first->second;
    if (to.storage == id) list.bytes += to.bytes;
    for (const int input : node.inputs) {
      if (input < 0) continue;  // absent: no mask, no bias
      to.inputs.push_back(input);
      std::vector<int>& feeds = list.nodes[static_cast<std::size_t>(input)].feeds;
      if (feeds.empty() || feeds.back() != id) feeds.push_back(id);
    }
  }
  return list;
}

}  // namespace triptych::app

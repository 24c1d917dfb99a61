// The tape of one training step, node by node, to look at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/structure.h"

namespace triptych::app {

struct TapeNode {
  std::string op, name;  // name: of a parameter, of data, or "loss.NAME"; empty for the rest; not escaped
  Shape shape;
  DType dtype = DType::f32;
  std::int64_t bytes = 0;
  int storage = 0;  // the first node that holds these bytes: itself, unless a reshape or a copy shares them
  bool requires_grad = false;
  std::vector<int> inputs, feeds;  // ids, as often as they are read; feeds counts each reader once
};
// Node i of the tape is nodes[i].
struct TapeListing {
  std::string title;
  std::vector<TapeNode> nodes;
  std::int64_t bytes = 0;  // of all storages once, parameters and data with them; not what pullbacks keep beside them
};

// Records the objective at the end of training, where the bridge is open. Throws what computing it throws.
TapeListing list_tape(const Structure& s);

std::string tape_text(const TapeListing& tape);
std::string tape_json(const TapeListing& tape);
// Graphviz: `triptych tape ... --dot | dot -Tsvg`.
std::string tape_dot(const TapeListing& tape);
// One page without scripts; every id is a link.
std::string tape_html(const TapeListing& tape);

}  // namespace triptych::app

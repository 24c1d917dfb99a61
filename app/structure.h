// What the structural commands, audit and tape, look at: the model of a run with its trained weights, or a small model
// of a scheme with random ones.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/model.h"

namespace CLI {
class App;
}

namespace triptych::app {

struct StructureOptions {
  std::string run, scheme;
  std::vector<std::string> set;
};
// RUN, --scheme and --set.
void add_structure(CLI::App& options, StructureOptions& to);

struct Structure {
  std::string title;  // of the run, or the stack of schemes; not escaped
  std::unique_ptr<Model> model;
  Batch batch;  // real values of the model's dtype
  std::vector<std::string> notices;
};
// A run's model with the weights of its newest checkpoint and, as batch, that of its first step: `items` items, or what
// a step takes when items is 0. Of a scheme: two modalities, text (4 tokens) and image (5), 16 rows, some tokens
// missing and one row without a picture; weights away from their first values, at which banks and gates may be alike or
// shut. Throws what open_run and read_config throw, and
//   usage "structure.which"  neither or both of RUN and a scheme, or settings for a run
Structure open_structure(const StructureOptions& o, DType dtype, std::int64_t items);

}  // namespace triptych::app

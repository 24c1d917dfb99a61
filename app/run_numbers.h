// The numbers of a line of metrics.jsonl as one flat list, each under a path: what curves and TensorBoard show.
//
//   "loss": 2.5                          loss
//   "terms": {"align": 1}                terms/align
//   a list of numbers                    path/0, path/1, ...; by name where a list of texts of the same length stands
//                                        beside it, as surgery's "losses" do
//   a square matrix                      its upper triangle without the diagonal, "path/align - variance": it is
//                                        symmetric (cosines), with ones on the diagonal
//   a list of objects                    each number by the texts and the "layer" of its object: routing/entropy/layer
//   0 text
//                                        private; the key "value" goes without saying: cka/private.text shared.text
//   null                                 NaN: known to be no number
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace triptych::app {

using Numbers = std::vector<std::pair<std::string, double>>;

// `line` is an object; its "step" is left out, like texts and truth values.
Numbers numbers_of(const nlohmann::ordered_json& line);

}  // namespace triptych::app

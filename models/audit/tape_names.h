// The names that the leaves of a recorded tape go by.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "models/model.h"

namespace triptych {

// One name for each node; empty for the result of an op and for constants without one. A parameter goes by its own
// name, data by its modality: "text", beside its values "text.mask" and "text.offset"; "labels".
std::vector<std::string> tape_names(const Context& c, const Parameters& parameters,
                                    std::span<const ModalitySpec> modalities, const Batch& batch);

}  // namespace triptych

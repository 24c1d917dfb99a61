// The schemes by name: the one explicit list.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/layers/init.h"
#include "models/model.h"
#include "models/scheme.h"

namespace triptych {

const std::vector<std::string>& scheme_names();

// `last`: of the stack; only the last one is asked for the joint code, so what serves that alone is not made below it.
// Throws Error(usage, "model.scheme") naming the nearest.
std::unique_ptr<Scheme> make_scheme(const std::string& name, const ModelConfig& config, const Init& init,
                                    std::span<const EncodedWidths> widths, bool last);

}  // namespace triptych

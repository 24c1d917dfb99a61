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

// Throws Error(usage, "model.scheme") naming the nearest.
std::unique_ptr<Scheme> make_scheme(const std::string& name, const ModelConfig& config, const Init& init,
                                    std::span<const EncodedWidths> widths);

}  // namespace triptych

// What a training run is about to do, in a few lines.
#pragma once

#include <string>

#include "app/config.h"
#include "app/data_source.h"
#include "models/model.h"

namespace triptych::app {

// "text     n-grams in 8192 buckets", one line a modality, then model, memory, training and folder.
std::string plan_text(const RunConfig& config, const DataSource& data, const Model& model, const std::string& out,
                      std::int64_t first_step);

}  // namespace triptych::app

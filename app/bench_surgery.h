// bench --surgery: what a backward pass a loss costs, in steps with one pass for their sum.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "app/bench_trainer.h"

namespace triptych::app {

// Times plain steps and steps with surgery in turn. The losses are those of bench_model() and, where these are fewer
// than four, others that share the trunk.
nlohmann::ordered_json bench_surgery(const std::string& scheme, const BenchConfig& c, int steps, int warmup);

}  // namespace triptych::app

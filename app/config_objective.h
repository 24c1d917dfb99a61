// The [[objective]] entries of a config: reading, writing and changing one (models/objective/term.h says what they
// mean).
#pragma once

#include <string>
#include <vector>

#include "models/model.h"
#include "models/objective/term.h"

namespace triptych::app {

// Sets one key of a term: loss, on ("a" or "a+b"), weight, weight_end, schedule, name, or a parameter of its loss.
// Throws Error(usage): what find_loss, parse_schedule and parse_setting throw, and "config.value" for a weight that is
// no finite number >= 0.
void set_term_value(TermConfig& term, const std::string& key, const std::string& text);

// Fills in what was left out: the name, and weight_end = weight.
void finish_term(TermConfig& term, bool weight_end_given);

// "objective.NAME.KEY" of --set. Throws Error(usage, "config.key") naming the nearest term.
void set_objective_value(std::vector<TermConfig>& terms, const std::string& key, const std::string& text);

std::string to_toml(const TermConfig& term);  // one [[objective]] table

// The weights that suit the emoji pairs, with a balance of the experts where there are some.
std::vector<TermConfig> emoji_objective(const ModelConfig& model);

}  // namespace triptych::app

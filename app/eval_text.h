// An Evaluation written out: for programs (the contract of `eval --json`) and for people.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "app/evaluation.h"

namespace triptych::app {

// {"split", "recall": {"1", ...}, "chance", "probes": [{"code", "factor", "metric", "value", "chance", "n"}],
//  "cka": [{"a", "b", "value"}], "leakage": {code: {factor or code: value}}, and more of the same kind, intervals as
//  [low, high]}; an undefined value is null and stands in "undefined": [{"figure", "reason"}].
nlohmann::ordered_json evaluation_json(const Evaluation& e, const std::string& split);

// Tables in percent, the chance level beside each figure, and a sentence on what good looks like.
std::string evaluation_text(const Evaluation& e);

}  // namespace triptych::app

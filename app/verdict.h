// The verdict on a run in plain words: what is wrong with its codes, by which figures, and what to try.
//
//   bad      the codes are not what the run is for
//   warning  a part of them is not
//   note     worth knowing; a healthy run has some
//   good     nothing is wrong: said once, when there is no warning and nothing bad
//
// Accused are: a private code that another modality writes into (a mask that is not hard); a private code that repeats
// what is shared, a shared code that tells what is private; a collapsed code; shared codes that do not find their pair
// (nothing aligns them, pairs that do not belong together); a private code without its own factor; idle experts. The
// limits stand in verdict_parts.h.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/evaluation.h"
#include "app/training_history.h"

namespace triptych::app {

struct Verdict {
  enum class Severity : std::uint8_t { bad, warning, note, good } severity = Severity::note;
  std::string title, evidence, advice;  // plain text, with names from outside as they are; advice may be empty
};

// The worst first. A function of its arguments alone; config with its modalities, evaluation null where there is none.
std::vector<Verdict> judge(const RunConfig& config, const Evaluation* evaluation, const TrainingHistory& history);

const char* severity_text(Verdict::Severity severity);  // "bad", "warning", "note", "good"
// [{"severity", "title", "evidence", "advice"}]
nlohmann::ordered_json verdicts_json(const std::vector<Verdict>& verdicts);
// For people, lines of at most 120 columns where names allow it.
std::string verdicts_text(const std::vector<Verdict>& verdicts);

}  // namespace triptych::app

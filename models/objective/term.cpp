#include "models/objective/term.h"

#include <cmath>
#include <numbers>

#include "core/error.h"

namespace triptych {
namespace {

const std::vector<std::string> schedules = {"constant", "gate", "linear", "cosine"};

}  // namespace

double weight_at(const TermConfig& t, double p, double gate) {
  switch (t.schedule) {
    case WeightSchedule::gate: return t.weight * gate;
    case WeightSchedule::linear: return t.weight + (t.weight_end - t.weight) * p;
    case WeightSchedule::cosine:
      return t.weight + (t.weight_end - t.weight) * 0.5 * (1 - std::cos(std::numbers::pi * p));
    default: return t.weight;
  }
}

std::string_view name_of(WeightSchedule s) { return schedules[static_cast<std::size_t>(s)]; }

WeightSchedule parse_schedule(const std::string& name) {
  for (std::size_t i = 0; i < schedules.size(); ++i)
    if (name == schedules[i]) return static_cast<WeightSchedule>(i);
  throw Error(Exit::usage, "objective.schedule",
              "objective: schedule '" + escape_text(name, 64) + "' must be constant, gate, linear or cosine", {},
              suggest(name, schedules));
}

std::string default_name(const TermConfig& t) {
  std::string name = t.loss;
  for (const std::string& on : t.on) name += "." + on;
  return name;
}

}  // namespace triptych

// The parts of judge(), and its limits. Internal to app/verdict*.cpp.
#pragma once

#include <string>
#include <vector>

#include "app/terminal.h"  // names, percents
#include "app/verdict.h"

namespace triptych::app {

// Leakage above chance, in [0, 1]: from `noted` on worth a note when its whole interval is above 0, from `warned` on a
// warning, from `bad` on bad. A code that holds less than `noted` of its own factor does not hold it.
namespace limit {
constexpr double noted = 0.1, warned = 0.3, bad = 0.6;
constexpr double rounding = 1e-6;        // share of a private code's variance that foreign inputs move under hard masks
constexpr double alike = 0.5;            // CKA of a private and a shared code that is a warning by itself
constexpr double same = 0.02;            // spread of a code that is the same for all items
constexpr double one_direction = 1.5;    // effective rank of a code of two columns or more
constexpr double ties = 0.5;             // share of matches that tie
constexpr double guess = 1.5;            // recall below so many times chance is no better than guessing
constexpr double seldom = 0.2;           // recall above chance, below which pairs are found, but seldom
constexpr double telling_chance = 0.25;  // recall at k is looked at where chance is at most this
constexpr std::int64_t few_items = 20;   // held-out items, below which recall at chance proves nothing
constexpr double idle = 0.05;            // of an even share of the choices: an expert below is idle
}  // namespace limit

// What the objective does, by its terms of a weight other than 0.
struct Objectives {
  bool aligns = false;        // two shared codes meet in a loss, or one modality is reconstructed from another's
  bool contrasts = false;     // the first of these, and other items are told apart in it
  bool decorrelates = false;  // a private and a shared code meet in a loss
  bool trains_private = false;
};
Objectives objectives_of(const ModelConfig& model);

std::string with_interval(double value, const std::optional<Interval>& interval);  // "34.1 % (95 %: 30 to 38)"

void judge_masks(const RunConfig& c, const Evaluation& e, const TrainingHistory& h, std::vector<Verdict>& to);
void judge_leaks(const RunConfig& c, const Evaluation& e, std::vector<Verdict>& to);
void judge_collapse(const Evaluation& e, const Objectives& o, std::vector<Verdict>& to);
void judge_pairs(const Evaluation& e, const Objectives& o, bool collapsed, std::vector<Verdict>& to);
void judge_private(const Evaluation& e, const Objectives& o, std::vector<Verdict>& to);
void judge_experts(const RunConfig& c, const TrainingHistory& h, std::vector<Verdict>& to);

bool shared_collapsed(const Evaluation& e);

}  // namespace triptych::app

#include "models/objective/term_codes.h"

#include <algorithm>

#include "core/error.h"
#include "losses/registry.h"
#include "models/objective/inputs.h"

namespace triptych {
namespace {

using Side = CodeRef::Side;

[[noreturn]] void refuse(const char* code, const TermConfig& term, const std::string& problem, std::string hint = {}) {
  throw Error(Exit::usage, code, "objective '" + escape_text(term.name, 64) + "': " + problem, {}, std::move(hint));
}

// What `on` may say for a loss, for the hint.
std::vector<std::string> known_codes(const std::vector<std::string>& modalities) {
  std::vector<std::string> all = {"shared",        "private",   "private-shared", "views.shared",
                                  "views.private", "joint",     "joint-tokens",   "reconstruction",
                                  "routing",       "attention", "slots"};
  for (const std::string& m : modalities) {
    all.push_back("private." + m);
    all.push_back("shared." + m);
  }
  return all;
}

}  // namespace

const OpInfo& find_loss(const std::string& name) {
  std::vector<std::string> known;
  for (const OpInfo* loss : all_losses()) {
    if (loss->name == name) return *loss;
    known.emplace_back(loss->name);
  }
  const std::string close = nearest(name, known);
  std::string all;
  for (const std::string& k : known) all += (all.empty() ? "" : ", ") + k;
  throw Error(Exit::usage, "objective.loss", "objective: loss '" + escape_text(name, 64) + "' is not a loss", {},
              close.empty() ? "losses: " + all : "did you mean '" + close + "'?");
}

TermCodes resolve(const TermConfig& term, const OpInfo& loss, const std::vector<std::string>& modalities) {
  using On = TermCodes::On;
  const bool pair = has_input(loss, "a") && has_input(loss, "b"), single = has_input(loss, "z");
  TermCodes codes;
  const std::pair<const char*, std::pair<On, const char*>> whole[] = {
      {"routing", {On::routing, "gates"}}, {"attention", {On::attention, "attention"}}, {"slots", {On::slots, "keep"}}};
  if (term.on.size() == 1) {
    if (term.on[0] == "reconstruction") {
      if (loss.name != "mse")  // others have no mask, and padding would count
        refuse("objective.on", term, "on = 'reconstruction' takes the loss mse, got " + term.loss);
      codes.on = On::reconstruction;
      return codes;
    }
    for (const auto& [name, what] : whole) {
      if (term.on[0] != name) continue;
      const bool logits = what.first == On::routing && has_input(loss, "logits");
      if (!has_input(loss, what.second) && !logits)
        refuse("objective.on", term,
               "on = '" + std::string(name) + "' takes losses with an input '" + what.second + "', " + term.loss +
                   " has none");
      codes.on = what.first;
      return codes;
    }
  }
  if (!pair && !single)
    refuse("objective.on", term, "the loss " + term.loss + " does not act on codes",
           has_input(loss, "gates") || has_input(loss, "logits") ? "on = \"routing\"" : "");

  std::vector<CodeRef> listed;  // codes named one by one
  for (const std::string& on : term.on) {
    const bool shared = on == "shared" || on == "views.shared" || on.starts_with("shared.");
    const Side side = shared ? Side::shared_code : Side::private_code;
    if (on == "shared" || on == "private") {
      for (std::size_t a = 0; a < modalities.size(); ++a) {
        if (!pair) codes.tuples.push_back({{side, a}, {}, false});
        for (std::size_t b = a + 1; pair && b < modalities.size(); ++b)
          codes.tuples.push_back({{side, a}, {side, b}, false});
      }
    } else if (on == "private-shared" && pair) {
      for (std::size_t m = 0; m < modalities.size(); ++m)
        codes.tuples.push_back({{Side::private_code, m}, {Side::shared_code, m}, false});
    } else if ((on == "views.shared" || on == "views.private") && pair) {
      for (std::size_t m = 0; m < modalities.size(); ++m) codes.tuples.push_back({{side, m}, {side, m}, true});
    } else if (on == "joint" || on == "joint-tokens") {
      listed.push_back({on == "joint" ? Side::joint : Side::joint_tokens, 0});
    } else {
      const std::size_t dot = on.find('.');
      const std::string prefix = on.substr(0, dot);
      const auto at = std::find(modalities.begin(), modalities.end(),
                                dot == std::string::npos ? std::string() : on.substr(dot + 1));
      if ((prefix != "private" && prefix != "shared") || at == modalities.end()) {
        const auto known = known_codes(modalities);
        const std::string close = nearest(on, known);
        std::string all;
        for (const std::string& k : known) all += (all.empty() ? "" : ", ") + k;
        const bool exists = std::find(known.begin(), known.end(), on) != known.end();
        refuse("objective.on", term,
               exists ? "on = '" + on + "' is not for the loss " + term.loss
                      : "on = '" + escape_text(on, 64) + "' is not a code",
               exists || close.empty() ? "known: " + all : "did you mean '" + close + "'?");
      }
      listed.push_back({side, static_cast<std::size_t>(at - modalities.begin())});
    }
  }
  if (pair && !listed.empty()) {
    if (listed.size() != 2)
      refuse("objective.on", term,
             "the loss " + term.loss + " takes two codes, 'on' names " + std::to_string(listed.size()));
    codes.tuples.push_back({listed[0], listed[1], false});
  } else {
    for (const CodeRef& code : listed) codes.tuples.push_back({code, {}, false});
  }
  if (codes.tuples.empty() && term.on.empty())
    refuse("objective.on", term, "needs the codes it acts on: on = \"shared\"");
  return codes;
}

}  // namespace triptych

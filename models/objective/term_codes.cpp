#include "models/objective/term_codes.h"

#include <algorithm>

#include "core/error.h"
#include "losses/registry.h"
#include "models/objective/inputs.h"
#include "ops/cross_entropy.h"

namespace triptych {
namespace {

using Side = CodeRef::Side;

[[noreturn]] void refuse(const char* code, const TermConfig& term, const std::string& problem, std::string hint = {}) {
  throw Error(Exit::usage, code, "objective '" + escape_text(term.name, 64) + "': " + problem, {}, std::move(hint));
}

// What `on` may say for a loss, for the hint.
std::vector<std::string> known_codes(const std::vector<std::string>& modalities) {
  std::vector<std::string> all = {"shared",
                                  "private",
                                  "private-shared",
                                  "views.shared",
                                  "views.private",
                                  "joint",
                                  "joint-tokens",
                                  "reconstruction",
                                  "cross-reconstruction",
                                  "shared-reconstruction",
                                  "generation",
                                  "task",
                                  "routing",
                                  "attention",
                                  "slots"};
  for (const std::string& m : modalities) {
    all.push_back("private." + m);
    all.push_back("shared." + m);
    all.push_back("generation." + m);
  }
  return all;
}

}  // namespace

const OpInfo& find_loss(const std::string& name) {
  std::vector<std::string> known = {"cross_entropy"};  // among the ops
  if (name == known[0]) return cross_entropy_info();
  for (const OpInfo* loss : all_losses()) {
    if (loss->name == name) return *loss;
    known.emplace_back(loss->name);
  }
  throw Error(Exit::usage, "objective.loss", "objective: loss '" + escape_text(name, 64) + "' is not a loss", {},
              suggest(name, known));
}

TermCodes resolve(const TermConfig& term, const OpInfo& loss, const std::vector<std::string>& modalities) {
  using On = TermCodes::On;
  const bool pair = has_input(loss, "a") && has_input(loss, "b"),
             single = has_input(loss, "z") || has_input(loss, "mu_q");
  TermCodes codes;
  const std::pair<const char*, std::pair<On, const char*>> whole[] = {
      {"routing", {On::routing, "gates"}}, {"attention", {On::attention, "attention"}}, {"slots", {On::slots, "keep"}}};
  if (term.on.size() == 1) {
    const std::pair<const char*, On> decoded[] = {{"reconstruction", On::reconstruction},
                                                  {"cross-reconstruction", On::cross_reconstruction},
                                                  {"shared-reconstruction", On::shared_reconstruction}};
    for (const auto& [name, on] : decoded) {
      if (term.on[0] != name) continue;
      if (loss.name != "mse" && loss.name != "gaussian_nll")  // others have no mask, and padding would count
        refuse("objective.on", term,
               "on = '" + std::string(name) + "' takes the losses mse and gaussian_nll, got " + term.loss);
      codes.on = on;
      return codes;
    }
    const bool of_one = term.on[0].starts_with("generation.");
    const auto named = std::find(modalities.begin(), modalities.end(), of_one ? term.on[0].substr(11) : "");
    if (term.on[0] == "generation" || (of_one && named != modalities.end())) {
      if (loss.name != "flow_matching")
        refuse("objective.on", term, "on = '" + term.on[0] + "' takes the loss flow_matching, got " + term.loss);
      codes.on = On::generation;
      if (of_one) codes.generated = static_cast<std::size_t>(named - modalities.begin());
      return codes;
    }
    if (term.on[0] == "task") {
      if (loss.name != "mse" && loss.name != "cross_entropy")
        refuse("objective.on", term, "on = 'task' takes the losses cross_entropy and mse, got " + term.loss);
      codes.on = On::task;
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
           loss.name == "cross_entropy"                            ? "on = \"task\""
           : loss.name == "flow_matching"                          ? "on = \"generation\""
           : has_input(loss, "gates") || has_input(loss, "logits") ? "on = \"routing\""
                                                                   : "");

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
        const bool exists = std::find(known.begin(), known.end(), on) != known.end();
        refuse("objective.on", term,
               exists ? "on = '" + on + "' is not for the loss " + term.loss
                      : "on = '" + escape_text(on, 64) + "' is not a code",
               suggest(exists ? "" : on, known));
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

std::vector<CodeRef> head_codes(const std::vector<std::string>& names, const std::vector<std::string>& modalities) {
  std::vector<CodeRef> codes;
  std::vector<std::string> known = {"joint", "private", "shared"};
  for (const char* side : {"private.", "shared."})
    for (const std::string& m : modalities) known.push_back(side + m);
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw Error(Exit::usage, "model.head", "model.head = '" + escape_text(name, 64) + "' is not a code", {},
                  suggest(name, known));
    if (name == "joint") codes.push_back({Side::joint, 0});
    for (std::size_t m = 0; m < modalities.size(); ++m) {
      if (name == "private" || name == "private." + modalities[m]) codes.push_back({Side::private_code, m});
      if (name == "shared" || name == "shared." + modalities[m]) codes.push_back({Side::shared_code, m});
    }
  }
  return codes;
}

}  // namespace triptych

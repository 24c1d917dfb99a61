// TermCodes: which codes a term acts on, resolved once from the names in `on`.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/inline_vector.h"
#include "models/objective/term.h"

namespace triptych {

struct CodeRef {
  enum class Side : std::uint8_t { private_code, shared_code, joint, joint_tokens } side = Side::private_code;
  std::size_t modality = 0;
};

// What one call of the loss gets.
struct CodeTuple {
  CodeRef a, b;        // b counts for losses of two codes only
  bool views = false;  // a = b: the views of one code against each other
};

struct TermCodes {
  enum class On : std::uint8_t {
    codes,
    reconstruction,
    cross_reconstruction,
    shared_reconstruction,
    generation,
    task,
    routing,
    attention,
    slots
  } on = On::codes;
  std::vector<CodeTuple> tuples;         // On::codes
  std::optional<std::size_t> generated;  // On::generation: the modality; absent: every one that can be
  bool reconstructs() const {
    return on == On::reconstruction || on == On::cross_reconstruction || on == On::shared_reconstruction;
  }
};

// Throws Error(usage): "objective.loss" (unknown: names the nearest; or it needs an input that no code gives),
// "objective.on" (unknown code: names the nearest; a code that the loss cannot take).
const OpInfo& find_loss(const std::string& name);
TermCodes resolve(const TermConfig& term, const OpInfo& loss, const std::vector<std::string>& modalities);

// The codes that a task head reads: "private" or "shared" (of every modality), "private.NAME", "shared.NAME", "joint".
// Throws Error(usage, "model.head") naming the nearest.
std::vector<CodeRef> head_codes(const std::vector<std::string>& names, const std::vector<std::string>& modalities);

}  // namespace triptych

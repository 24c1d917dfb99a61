// Structural audit of one forward pass: which modalities each code depends on, and how.
//
// A code y is recorded on a tape with the data X_m as leaves, in float64, and for every modality m
//
//   path      a path of tape edges leads from data of m, or from a constant that changes with it, to y: the candidates
//   jacobian  ||dy/dX_m||_F, estimated by sqrt(mean over draws of ||u^T dy/dX_m||^2), u normal (Hutchinson 1990, in
//             expectation exact); exactly 0 where masks and slices cut the paths, whatever the draws. X_m is what is
//             real of m: features, pictures and their surface, for n-grams the embeddings of the bags
//   moved     the largest change of an entry of y when m alone is redrawn, enlarged, rotated between the samples, or
//             (without random numbers) left out. This sees what gradients do not: choices, masks, capacity
//
// y sees m when jacobian or moved is not 0.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/model.h"

namespace triptych {

struct AuditedCode {
  std::string name;
  Var value;                         // (B, width); absent where the batch has nothing to read it from
  bool is_private = false;           // to one modality
  std::vector<std::size_t> readers;  // the modalities it may depend on
};

// Data on the tape: a variable where it is real and to be differentiated by.
struct AuditedInput {
  Var leaf;
  std::size_t modality = 0;
  std::string_view part = {};  // what it is beside the modality's values: "mask", "offset", "surface"
};

struct AuditedPass {
  std::vector<AuditedCode> codes;
  std::vector<AuditedInput> inputs;
};

// Something that records codes of a batch: a model, or a part of one.
struct AuditSubject {
  const Parameters& parameters;
  std::span<const ModalitySpec> modalities;
  const Batch& batch;    // real values float64; at least 3 rows
  bool training = true;  // dropout, noise and capacity act; the same random numbers in every recording
  std::function<AuditedPass(Context&, const Batch&)> record;
};

struct Dependence {
  std::string code;
  std::size_t modality = 0;
  bool is_private = false, allowed = false;
  bool path = false;
  std::optional<double> jacobian = 0.0;  // absent: of n-grams at evaluation, where the embeddings are constants
  double moved = 0;
  std::string_view by = {};  // the change that moved it most: "redrawn", "enlarged", "rotated", "absent"
  std::int64_t choices = 0;  // choices of experts on the code's tape that the changes of the modality turned
  // Where it is seen and not allowed: the ops that carry it, from the data to the code. Empty when the tape itself has
  // another form with other data, or only leaving the modality out tells.
  struct Step {
    int node = 0;
    std::string name, op;
    Shape shape;
  };
  std::vector<Step> way = {};
  bool seen() const { return jacobian.value_or(0) != 0 || moved != 0; }
  bool leak() const { return is_private && !allowed && seen(); }
};

// How a code of one sample depends on the data of the other samples, of all modalities; moved is 0 where it is
// rounding, as when other groups of tokens are multiplied together.
struct AcrossSamples {
  std::string code;
  double jacobian = 0, moved = 0;
  bool seen() const { return jacobian != 0 || moved != 0; }
};

// A parameter that codes of several modalities read, so that the data of all of these trains it.
struct CommonParameter {
  std::string name;
  std::vector<std::string> codes;  // private codes that read it
  std::vector<std::size_t> modalities;
};

struct Audit {
  int nodes = 0, draws = 0;
  std::vector<Dependence> dependences;  // of every code on every modality of the batch
  std::vector<AcrossSamples> across;
  std::vector<CommonParameter> common;  // those that private codes read
  bool leaks() const;
};

Audit audit(const AuditSubject& subject);

}  // namespace triptych

// Context: one forward pass. It puts every parameter on the tape and says whether this is training.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/parameter.h"
#include "core/tape.h"

namespace triptych {

class Context {
 public:
  // Both must outlive the context. Nothing is recorded before begin().
  Context(Tape& tape, const Parameters& parameters) : tape_(&tape), parameters_(&parameters) {}

  // Clears the tape and records the parameters on it: as variables when training, as constants otherwise. (seed, step)
  // fix the dropout masks.
  void begin(bool training, std::uint64_t seed = 0, std::int64_t step = 0);

  // The same for parameters that are on the tape already, in the order of the store: for gradient checks.
  void begin(std::span<const Var> parameters);

  const Var& operator[](ParameterId id) const { return vars_[static_cast<std::size_t>(id.index)]; }
  std::span<const Var> parameters() const { return vars_; }  // in the order of the store
  Tape& tape() const { return *tape_; }
  bool training() const { return training_; }

  // Random numbers of this pass that nobody else takes.
  struct Stream {
    std::uint64_t seed, stream;
  };
  Stream next_stream();  // fewer than 64 a step

  // x without its gradient: a truncated or straight-through gradient is what is left when some values are held still.
  Var detach(const Var& x);
  // The same parameters without gradients.
  Context detached() const;
  // For gradient checks, whose finite differences must hold still what detach() does: `held` receives the detached
  // values of the first pass, and every later pass takes them from there. It must outlive the context.
  void hold(std::vector<Tensor>& held) { held_ = &held; }
  // True under hold(): a gate that is 0 or 1 with the gradient of a soft one must show the soft one.
  bool surrogate() const { return held_ != nullptr; }

  // Zeroes entries with probability p while training (a different mask at each call of a step); x itself otherwise.
  Var dropout(const Var& x, double p);

 private:
  Tape* tape_;
  const Parameters* parameters_;
  std::vector<Var> vars_;
  bool training_ = false;
  std::uint64_t seed_ = 0, step_ = 0, calls_ = 0;
  std::vector<Tensor>* held_ = nullptr;
  std::size_t detached_ = 0;
};

}  // namespace triptych

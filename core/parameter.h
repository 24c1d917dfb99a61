// Parameters: the trainable tensors of a model, in the order they were made.
//
// Layers hold a ParameterId, the store holds the tensor: whatever a model is built of, every parameter is in one list,
// and none can be forgotten by the optimizer or the checkpoint.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace triptych {

struct Parameter {
  std::string name;  // unique, dotted: "image.encoder.weight"
  Tensor value;
  bool shared = false;                                       // serves the shared code: rests while the bridge is shut
  bool decayed() const { return value.shape().rank() > 1; }  // no weight decay on gains, biases and scalars
};

struct ParameterId {
  int index = -1;
};

class Parameters {
 public:
  // Throws Error(internal) when the name is taken.
  ParameterId add(std::string name, Tensor value, bool shared = false);
  std::size_t size() const { return list_.size(); }
  std::int64_t count() const;  // numbers in all of them together
  Parameter& operator[](std::size_t i) { return list_[i]; }
  const Parameter& operator[](std::size_t i) const { return list_[i]; }
  Parameter& operator[](ParameterId id) { return list_[static_cast<std::size_t>(id.index)]; }
  const Parameter& operator[](ParameterId id) const { return list_[static_cast<std::size_t>(id.index)]; }
  auto begin() { return list_.begin(); }
  auto end() { return list_.end(); }
  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }

 private:
  std::vector<Parameter> list_;
};

}  // namespace triptych

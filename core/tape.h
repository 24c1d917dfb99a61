// Tape: reverse-mode automatic differentiation on a flat list of nodes.
//
//   Tape tape(cpu_kernels());
//   Var x = tape.variable(tensor);                 // wants a gradient
//   Var loss = mean(square(x));                    // ops append nodes in order
//   Gradients g = tape.gradients(loss, {x});       // walks the list backwards; g[x] is a Tensor
//
// Gradients are returned values: a tensor carries no `.grad`, so m losses recorded on one tape give m gradients with
// one forward pass, and nothing is mixed by accident. First-order gradients only.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/inline_vector.h"
#include "core/tensor.h"

namespace triptych {

class Tape;

// A handle to a node: cheap to copy, valid until the tape is cleared. A default Var is "absent" (no mask, no bias).
class Var {
 public:
  Var() = default;
  explicit operator bool() const { return tape_ != nullptr; }
  const Tensor& value() const;
  const Shape& shape() const { return value().shape(); }
  DType dtype() const { return value().dtype(); }
  bool requires_grad() const;
  Tape& tape() const { return *tape_; }
  const Kernels& kernels() const;
  int id() const { return id_; }
  friend bool operator==(const Var&, const Var&) = default;

 private:
  friend class Tape;
  Var(Tape* tape, int id) : tape_(tape), id_(id) {}
  Tape* tape_ = nullptr;
  int id_ = -1;
};

using Vars = InlineVector<Var, 8>;
// What a pullback returns: dL/dinput for each input of the node, in order; a null Tensor where there is none.
using Grads = InlineVector<Tensor, 8>;

// dL/dw for each requested w. A variable that the loss does not depend on has a null Tensor.
class Gradients {
 public:
  const Tensor& operator[](const Var& v) const;
  std::span<const Tensor> tensors() const { return tensors_; }  // in the order of `wrt`

 private:
  friend class Tape;
  std::vector<int> ids_;
  std::vector<Tensor> tensors_;
};

class Tape {
 public:
  explicit Tape(const Kernels& kernels);
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  // Leaves: one that wants a gradient, one that does not. Ops read all real values of a tape as one type: throws
  // Error(internal, "tape.dtype") for a real `value` of another type than the tape's first.
  Var variable(Tensor value);
  Var constant(Tensor value);

  // dL/dw for every w of `wrt`. `upstream` is dL/dL of the output (default 1; required shape: that of `output`).
  // Throws Error when `output` is not a scalar and no upstream is given.
  void gradients(const Var& output, std::span<const Var> wrt, Gradients& out, const Tensor& upstream = {});
  Gradients gradients(const Var& output, std::span<const Var> wrt, const Tensor& upstream = {});
  Gradients gradients(const Var& output, std::initializer_list<Var> wrt, const Tensor& upstream = {});

  // Appends a node. `pullback(dy)` -> Grads captures tensors, never the tape or its own output; it is dropped unread
  // when no input wants a gradient. Used by ops only.
  template <class Pullback>
  Var record(std::string_view op, Tensor value, std::span<const Var> inputs, Pullback&& pullback);

  void clear();  // forgets all nodes, keeps their memory for the next step
  int size() const { return size_; }
  const Kernels& kernels() const { return *kernels_; }

  struct Node;
  const Node& node(int id) const { return at(id); }

 private:
  // A type-erased closure placed in the tape's own reusable memory.
  struct Closure {
    void* object = nullptr;
    Grads (*call)(void* object, const Tensor& dy) = nullptr;
    void (*destroy)(void* object) = nullptr;
  };
  void* closure_memory(std::size_t size, std::size_t alignment);
  Var leaf(std::string_view op, Tensor value, bool requires_grad);
  Var append(std::string_view op, Tensor value, std::span<const Var> inputs, Closure closure, bool requires_grad);
  Grads pull(const Node& node, const Tensor& dy) const;

 public:
  struct Node {
    std::string_view op;
    Tensor value;
    InlineVector<int, 8> inputs;
    bool requires_grad = false;
    Closure closure;
  };

 private:
  friend class Var;
  // Nodes live in blocks that never move, so what Var::value() and Var::shape() refer to stays valid while ops record.
  static constexpr int block = 256;
  Node& at(int id) const { return blocks_[static_cast<std::size_t>(id / block)][static_cast<std::size_t>(id % block)]; }

  const Kernels* kernels_;
  std::vector<std::unique_ptr<Node[]>> blocks_;
  int size_ = 0;
  std::optional<DType> real_;  // type of its real values, from the first leaf of one on
  std::vector<Tensor> adjoints_;
  std::vector<std::unique_ptr<std::byte[]>> slabs_;
  std::size_t slab_ = 0, slab_used_ = 0;
};

inline const Tensor& Var::value() const { return tape_->node(id_).value; }
inline bool Var::requires_grad() const { return tape_ && tape_->node(id_).requires_grad; }
inline const Kernels& Var::kernels() const { return tape_->kernels(); }

template <class Pullback>
Var Tape::record(std::string_view op, Tensor value, std::span<const Var> inputs, Pullback&& pullback) {
  bool wanted = false;
  for (const Var& v : inputs) wanted = wanted || v.requires_grad();
  Closure closure;
  if (wanted) {
    using F = std::decay_t<Pullback>;
    closure.object = new (closure_memory(sizeof(F), alignof(F))) F(std::forward<Pullback>(pullback));
    closure.call = [](void* f, const Tensor& dy) -> Grads { return (*static_cast<F*>(f))(dy); };
    closure.destroy = [](void* f) { static_cast<F*>(f)->~F(); };
  }
  return append(op, std::move(value), inputs, closure, wanted);
}

// The form ops use: the tape is that of the first present input.
template <class Pullback>
Var record(std::string_view op, Tensor value, std::initializer_list<Var> inputs, Pullback&& pullback) {
  return inputs.begin()->tape().record(op, std::move(value), std::span<const Var>(inputs.begin(), inputs.size()),
                                       std::forward<Pullback>(pullback));
}

}  // namespace triptych

#include "core/tape.h"

#include "backends/mutant.h"
#include "core/error.h"

namespace triptych {
namespace {
constexpr std::size_t slab_bytes = 64 * 1024;
}

const Tensor& Gradients::operator[](const Var& v) const {
  for (std::size_t i = 0; i < ids_.size(); ++i)
    if (ids_[i] == v.id()) return tensors_[i];
  throw Error(Exit::internal, "gradients.unknown", "no gradient was asked for node " + std::to_string(v.id()));
}

Tape::Tape(const Kernels& kernels) : kernels_(&kernels) {}
Tape::~Tape() { clear(); }

Var Tape::variable(Tensor value) { return leaf("variable", std::move(value), true); }
Var Tape::constant(Tensor value) { return leaf("constant", std::move(value), false); }

Var Tape::leaf(std::string_view op, Tensor value, bool requires_grad) {
  const bool real = value && value.dtype() != DType::i32;
  if (real && real_.value_or(value.dtype()) != value.dtype())
    throw Error(Exit::internal, "tape.dtype",
                "a " + std::string(op) + " of " + std::string(name_of(value.dtype())) + " came onto a tape of " +
                    std::string(name_of(*real_)) + " values",
                {}, "Tensor::to makes it the type of the others");
  if (real) real_ = value.dtype();
  return append(op, std::move(value), {}, {}, requires_grad);
}

void* Tape::closure_memory(std::size_t size, std::size_t alignment) {
  for (;;) {
    if (slab_ == slabs_.size()) slabs_.push_back(std::make_unique<std::byte[]>(slab_bytes));
    const std::size_t start = (slab_used_ + alignment - 1) / alignment * alignment;
    if (start + size <= slab_bytes) {
      slab_used_ = start + size;
      return slabs_[slab_].get() + start;
    }
    ++slab_;  // closures are far smaller than a slab
    slab_used_ = 0;
  }
}

Var Tape::append(std::string_view op, Tensor value, std::span<const Var> inputs, Closure closure, bool requires_grad) {
  if (size_ == static_cast<int>(blocks_.size()) * block) blocks_.push_back(std::make_unique<Node[]>(block));
  Node& node = at(size_++);
  node.op = op;
  node.value = std::move(value);
  node.requires_grad = requires_grad;
  node.closure = closure;
  node.inputs.clear();
  for (const Var& v : inputs) node.inputs.push_back(v.id());
  return Var(this, size_ - 1);
}

void Tape::clear() {
  for (int id = 0; id < size_; ++id) {
    Node& n = at(id);
    if (n.closure.destroy) n.closure.destroy(n.closure.object);
    n.value = Tensor{};
  }
  size_ = 0;
  real_.reset();
  slab_ = slab_used_ = 0;
}

#ifdef TRIPTYCH_MUTANTS
namespace {

// Spoils the gradient of input i when the active mutant names it. `again` calls the pullback anew.
template <class Again>
void mutate(std::string_view op, std::size_t i, Grads& grads, const Tensor& dy, Again&& again) {
  const std::string prefix = std::string(op) + "/" + std::to_string(i) + "/";
  if (mutant::collecting)
    for (const char* kind : {"sign", "double", "drop", "last-row"}) mutant::seen.insert(prefix + kind);
  if (!mutant::active.starts_with(prefix)) return;
  const std::string kind = mutant::active.substr(prefix.size());
  if (kind == "drop") grads[i] = Tensor{};
  if (kind == "sign" || kind == "double") {
    Tensor t = grads[i].clone();
    for (std::int64_t j = 0; j < t.size(); ++j) t.set(j, (kind == "sign" ? -1 : 2) * t.at(j));
    grads[i] = t;
  }
  if (kind == "last-row") {  // a sum that stops one short: the last entry of the leading axis sends nothing
    Tensor cut = dy.clone();
    const std::int64_t row = dy.shape().rank() == 0 ? 1 : dy.size() / dy.shape()[0];
    for (std::int64_t j = cut.size() - row; j < cut.size(); ++j) cut.set(j, 0);
    grads[i] = again(cut)[i];
  }
}

}  // namespace
#endif

Grads Tape::pull(const Node& node, const Tensor& dy) const {
  Grads grads = node.closure.call(node.closure.object, dy);
#ifdef TRIPTYCH_MUTANTS
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const int to = node.inputs[i];
    if (!grads[i] || to < 0 || !at(to).requires_grad) continue;
    mutate(node.op, i, grads, dy, [&](const Tensor& cut) { return node.closure.call(node.closure.object, cut); });
  }
#endif
  for (std::size_t i = 0; i < grads.size(); ++i) {
    if (!grads[i]) continue;
    const Tensor& value = this->node(node.inputs[i]).value;
    if (grads[i].shape() == value.shape() && grads[i].dtype() == value.dtype()) continue;
    throw Error(Exit::internal, "tape.gradient-shape",
                "[" + std::string(node.op) + "] gradient of input " + std::to_string(i) + " must be " +
                    value.shape().text() + ", got " + grads[i].shape().text());
  }
  return grads;
}

void Tape::gradients(const Var& output, std::span<const Var> wrt, Gradients& out, const Tensor& upstream) {
  const Tensor& y = output.value();
  if (!upstream && y.size() != 1)
    throw Error(Exit::internal, "tape.upstream",
                "[gradients] output must be a scalar when no upstream is given, got " + y.shape().text());
  if (upstream && upstream.shape() != y.shape())
    throw Error(Exit::internal, "tape.upstream",
                "[gradients] upstream must have the shape of the output " + y.shape().text() + ", got " +
                    upstream.shape().text());

  out.ids_.clear();  // first: the gradients of the step before make room for these
  out.tensors_.clear();
  adjoints_.clear();
  adjoints_.resize(static_cast<std::size_t>(size_));
  auto adjoint = [&](int id) -> Tensor& { return adjoints_[static_cast<std::size_t>(id)]; };
  adjoint(output.id()) = upstream ? upstream : Tensor::full(y.shape(), y.dtype(), 1);

  // A leaf's adjoint stays until the end; an inner node's is dropped as soon as it has been passed on.
  for (int id = output.id(); id >= 0; --id) {
    const Node& node = at(id);
    if (!adjoint(id) || !node.closure.call) continue;
    bool asked = false;
    for (const Var& w : wrt) asked = asked || w.id() == id;
    const Tensor dy = asked ? adjoint(id) : std::exchange(adjoint(id), Tensor{});
    Grads grads = pull(node, dy);
    for (std::size_t i = 0; i < grads.size(); ++i) {
      const int to = node.inputs[i];
      if (to < 0 || !grads[i] || !at(to).requires_grad) continue;
      Tensor& sum = adjoint(to);
      if (!sum) {
        sum = std::move(grads[i]);
      } else if (sum.unique()) {  // nobody else sees it: add in place
        kernels_->axpby(1, grads[i].view(), 1, sum.view(), sum.size());
      } else {
        Tensor total(sum.shape(), sum.dtype());
        kernels_->binary(Binary::add, sum.view(), grads[i].view(), total.view(), total.size(), total.size());
        sum = std::move(total);
      }
    }
  }

  for (const Var& w : wrt) {
    out.ids_.push_back(w.id());
    out.tensors_.push_back(adjoint(w.id()));
  }
  for (Tensor& t : adjoints_) t = Tensor{};
}

Gradients Tape::gradients(const Var& output, std::span<const Var> wrt, const Tensor& upstream) {
  Gradients out;
  gradients(output, wrt, out, upstream);
  return out;
}

Gradients Tape::gradients(const Var& output, std::initializer_list<Var> wrt, const Tensor& upstream) {
  return gradients(output, std::span<const Var>(wrt.begin(), wrt.size()), upstream);
}

}  // namespace triptych

#include "models/audit/tape_walk.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>

#include "core/rng.h"

namespace triptych {
namespace {

constexpr std::uint64_t seed = 31;

std::size_t at(int id) { return static_cast<std::size_t>(id); }

bool is_leaf(const Tape::Node& node) { return node.inputs.empty(); }

Tensor drawn(const Shape& shape, DType dtype) {
  Tensor t(shape, dtype);
  Rng rng(seed);
  for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, rng.normal());
  return t;
}

class Walk {
 public:
  Walk(const Tape& tape, const Tape& other, const Var& output, const std::vector<bool>& source)
      : tape_(tape),
        other_(other),
        output_(output.id()),
        source_(source),
        gradient_(adjoints(tape, output, drawn(output.shape(), output.dtype()))) {}

  std::vector<int> path() {
    visit(output_, {-1, true}, -1, false);
    int end = -1;
    while (!queue_.empty() && end < 0) {
      const Place here = queue_.front();
      queue_.pop_front();
      const Tape::Node& node = tape_.node(here.id);
      if (is_leaf(node)) {
        if (source_[at(here.id)])
          end = key(here);
        else
          beyond(here);
        continue;
      }
      for (const int input : node.inputs)
        if (input >= 0) visit(input, here, key(here), here.smooth);
    }
    if (end < 0) end = first_constant_;
    std::vector<int> way;
    for (; end >= 0; end = from_.at(end)) way.push_back(end / 2);
    return way;
  }

 private:
  // A node, reached through gradients all the way or past a constant (from there on only changes count).
  struct Place {
    int id;
    bool smooth;
  };
  static int key(const Place& p) { return 2 * p.id + (p.smooth ? 1 : 0); }

  // An element that changed and that the output has a derivative by.
  bool carries(int id) const {
    const Tensor &a = tape_.node(id).value, &b = other_.node(id).value, &g = gradient_[at(id)];
    for (std::int64_t i = 0; g && i < a.size(); ++i)
      if (a.at(i) != b.at(i) && g.at(i) != 0) return true;
    return false;
  }

  void visit(int id, const Place& after, int came_from, bool by_gradient) {
    const bool constant = !tape_.node(id).requires_grad;
    const Place place{id, after.smooth && !constant};
    if (from_.contains(key(place))) return;
    if (!changed(tape_, other_, id)) return;
    if (by_gradient && !constant && !carries(id)) return;
    from_[key(place)] = came_from;
    queue_.push_back(place);
  }

  // A constant that no op made: it may hold the values of an earlier node (a detached one).
  void beyond(const Place& here) {
    if (first_constant_ < 0) first_constant_ = key(here);
    const void* storage = tape_.node(here.id).value.data<void>();
    for (int id = 0; id < here.id; ++id)
      if (tape_.node(id).value.data<void>() == storage) return visit(id, {-1, false}, key(here), false);
  }

  const Tape& tape_;
  const Tape& other_;
  int output_;
  const std::vector<bool>& source_;
  std::vector<Tensor> gradient_;
  std::map<int, int> from_;  // where a place was come to from, nearer to the output
  std::deque<Place> queue_;
  int first_constant_ = -1;
};

}  // namespace

std::vector<bool> ancestors(const Tape& tape, const Var& output) {
  std::vector<bool> under(at(tape.size()));
  under[at(output.id())] = true;
  for (int id = output.id(); id >= 0; --id)
    if (under[at(id)])
      for (const int input : tape.node(id).inputs)
        if (input >= 0) under[at(input)] = true;
  return under;
}

std::vector<Tensor> adjoints(const Tape& tape, const Var& output, const Tensor& upstream) {
  std::vector<Tensor> all(at(tape.size()));
  if (!output.requires_grad()) return all;
  all[at(output.id())] = upstream;
  for (int id = output.id(); id >= 0; --id) {
    const Tape::Node& node = tape.node(id);
    if (!all[at(id)] || !node.closure.call) continue;
    const Grads grads = node.closure.call(node.closure.object, all[at(id)]);
    for (std::size_t i = 0; i < grads.size(); ++i) {
      const int to = node.inputs[i];
      if (to < 0 || !grads[i] || !tape.node(to).requires_grad) continue;
      Tensor& sum = all[at(to)];
      if (!sum) {
        sum = grads[i];
        continue;
      }
      Tensor total = sum.clone();  // others may hold it
      tape.kernels().axpby(1, grads[i].view(), 1, total.view(), total.size());
      sum = total;
    }
  }
  return all;
}

bool same_form(const Tape& a, const Tape& b) {
  if (a.size() != b.size()) return false;
  for (int id = 0; id < a.size(); ++id) {
    const Tape::Node &x = a.node(id), &y = b.node(id);
    if (x.op != y.op || x.value.shape() != y.value.shape() || x.value.dtype() != y.value.dtype() ||
        !std::equal(x.inputs.begin(), x.inputs.end(), y.inputs.begin(), y.inputs.end()))
      return false;
  }
  return true;
}

bool changed(const Tape& a, const Tape& b, int id) {
  const Tensor &x = a.node(id).value, &y = b.node(id).value;
  if (x.data<void>() == y.data<void>() || same_bits(x, y)) return false;
  for (std::int64_t i = 0; i < x.size(); ++i)
    if (x.at(i) != y.at(i)) return true;
  return false;  // zeros of another sign
}

std::vector<int> carrying_path(const Tape& tape, const Tape& other, const Var& output,
                               const std::vector<bool>& source) {
  return Walk(tape, other, output, source).path();
}

}  // namespace triptych

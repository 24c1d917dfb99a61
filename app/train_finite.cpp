#include "app/train_finite.h"

#include <cmath>

#include "app/terminal.h"

namespace triptych::app {
namespace {

template <class T>
bool all_finite(const T* values, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i)
    if (!std::isfinite(values[i])) return false;
  return true;
}

bool finite(const Tensor& t) {
  if (!t || t.dtype() == DType::i32) return true;
  return t.dtype() == DType::f32 ? all_finite(t.data<float>(), t.size()) : all_finite(t.data<double>(), t.size());
}

}  // namespace

std::string non_finite_loss(const Tape& tape, std::span<const TermValue> terms) {
  std::string what = "the loss is not finite";
  for (const TermValue& t : terms)
    if (!std::isfinite(t.value)) {
      what = "loss term '" + std::string(t.name) + "' is " + number_text(t.value);
      break;
    }
  for (int id = 0; id < tape.size(); ++id)
    if (!finite(tape.node(id).value))
      return what + "; the first value that is not finite is in op '" + std::string(tape.node(id).op) + "' (node " +
             std::to_string(id) + ")";
  return what;
}

std::string non_finite_gradient(const Parameters& parameters, std::span<const Tensor> grads) {
  for (std::size_t i = 0; i < grads.size(); ++i)
    if (!finite(grads[i])) return "the gradient of '" + parameters[i].name + "' is not finite";
  return "the norm of the gradient overflows";
}

std::string non_finite_parameter(const Parameters& parameters) {
  for (const Parameter& p : parameters)
    if (!finite(p.value)) return "parameter '" + p.name + "' holds NaN or Inf";
  return {};
}

}  // namespace triptych::app

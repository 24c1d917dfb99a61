#include "optim/surgery/method.h"

#include "core/require.h"

namespace triptych::surgery {
namespace {

Outputs apply(const Call& c) {
  const auto& self = static_cast<const Method&>(c.info);
  const Var& jacobian = c[0];
  require(jacobian.shape().rank() == 2 && jacobian.value().size() > 0, c.info.name, "jacobian", jacobian,
          "(tasks, parameters), at least one of each");
  const Kernels& kernels = c.tape.kernels();
  const Vector w = self.weights(gramian(kernels, jacobian.value()), c);
  const Tensor direction = combine(kernels, jacobian.value(), w);
  return {c.tape.constant(direction),
          c.tape.constant(
              Tensor::from({w.size()}, std::span(w.data(), static_cast<std::size_t>(w.size())), jacobian.dtype()))};
}

}  // namespace

Method method(std::string_view name, std::string_view formula, std::vector<Param> params, Guarantees guarantees,
              Vector (*weights)(const Gramian&, const Call&)) {
  return {{.name = name,
           .formula = formula,
           .inputs = {{"jacobian", "(tasks, parameters)", Kind::constant}},
           .params = std::move(params),
           .samples = {{"two", {normal(2, 5)}},
                       {"four", {normal(4, 6)}},
                       {"one", {normal(1, 3)}},
                       {"dependent", {normal(4, 2)}},
                       {"zero", {fill(0, {3, 4})}}},
           .errors = {},
           .apply = apply,
           .outputs = {"direction", "weights"}},
          guarantees,
          weights};
}

}  // namespace triptych::surgery

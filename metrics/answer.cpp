#include "metrics/answer.h"

#include "core/error.h"

namespace triptych::metrics {

Var number(const Call& c, double value) { return c.tape.constant(Tensor::scalar(value, c[0].dtype())); }

Var numbers(const Call& c, const std::vector<double>& values) {
  return c.tape.constant(Tensor::from({std::ssize(values)}, std::span<const double>(values), c[0].dtype()));
}

Var indices(const Call& c, const std::vector<std::int64_t>& values) {
  const std::vector<std::int32_t> narrow(values.begin(), values.end());
  return c.tape.constant(Tensor::from({std::ssize(narrow)}, std::span<const std::int32_t>(narrow)));
}

std::vector<std::int64_t> whole(const Var& index) {
  const auto* first = index.value().data<std::int32_t>();
  return {first, first + index.value().size()};
}

void undefined(std::string_view name, std::string_view reason) {
  throw Error(Exit::input, "metric.undefined", "[" + std::string(name) + "] is undefined: " + std::string(reason));
}

bool chosen(const Call& c, std::string_view name, std::string_view first, std::string_view second) {
  const std::string& value = c.text(name);
  if (value != first && value != second)
    throw Error(Exit::input, "op.parameter",
                "[" + std::string(c.info.name) + "] " + std::string(name) + " = '" + escape_text(value) + "' must be " +
                    std::string(first) + " or " + std::string(second));
  return value == second;
}

}  // namespace triptych::metrics

#include "optim/surgery/per_task.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/error.h"
#include "core/require.h"

namespace triptych::surgery {

void require_values(std::string_view name, std::string_view argument, const std::vector<double>& values,
                    std::size_t size, Bound bound) {
  const auto refuse = [&](const std::string& found, const std::string& expected) {
    throw Error(Exit::input, "surgery.values",
                "[" + std::string(name) + "] " + std::string(argument) + found + " must be " + expected);
  };
  if (values.size() != size || size == 0)
    refuse(" (" + std::to_string(values.size()) + ")",
           "(m), one value per task" + (size == 0 ? "" : ", m = " + std::to_string(size)));
  constexpr const char* expected[] = {"finite", "finite and at least 0", "finite and above 0"};
  for (std::size_t i = 0; i < size; ++i) {
    const double v = values[i];
    if (std::isfinite(v) && (bound == Bound::finite || v > 0 || (v == 0 && bound == Bound::not_negative))) continue;
    std::ostringstream text;
    text << "[" << i << "] = " << v;
    refuse(text.str(), expected[static_cast<int>(bound)]);
  }
}

std::vector<double> per_task(const Call& c, std::size_t input) {
  require(c[input].shape().rank() == 1, c.info.name, c.info.inputs[input].name, c[input], "(m), one value per task");
  return c[input].value().values();
}

Var answer(const Call& c, const std::vector<double>& values) {
  return c.tape.constant(Tensor::from({std::ssize(values)}, std::span<const double>(values), c[0].dtype()));
}

std::vector<double> softmax_of(const std::vector<double>& x) {
  const double top = *std::max_element(x.begin(), x.end());
  std::vector<double> p;
  double sum = 0;
  for (const double each : x) sum += p.emplace_back(std::exp(each - top));
  for (double& each : p) each /= sum;
  return p;
}

}  // namespace triptych::surgery

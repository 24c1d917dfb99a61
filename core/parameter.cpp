#include "core/parameter.h"

#include <utility>

#include "core/error.h"

namespace triptych {

ParameterId Parameters::add(std::string name, Tensor value, bool shared) {
  for (const Parameter& p : list_)
    if (p.name == name) throw Error(Exit::internal, "parameter.name", "two parameters are called " + name);
  list_.push_back({std::move(name), std::move(value), shared});
  return {static_cast<int>(list_.size()) - 1};
}

std::int64_t Parameters::count() const {
  std::int64_t n = 0;
  for (const Parameter& p : list_) n += p.value.size();
  return n;
}

}  // namespace triptych

// Where a layer's first values come from: one Philox stream per parameter, so that a layer added to a model does not
// change the values of the others.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "core/parameter.h"
#include "core/rng.h"

namespace triptych {

class Init {
 public:
  Init(Parameters& to, DType dtype, std::uint64_t seed) : to_(&to), dtype_(dtype), seed_(seed) {}

  // The same, for the part of a model that serves its shared code.
  Init shared() const {
    Init i = *this;
    i.shared_ = true;
    return i;
  }

  // The same, with "prefix." before every name.
  Init below(const std::string& prefix) const {
    Init i = *this;
    i.prefix_ += prefix + ".";
    return i;
  }

  ParameterId uniform(std::string name, Shape shape, double bound) const {
    Rng rng = stream(prefix_ + name);
    return add(std::move(name), shape, [&] { return rng.uniform(-bound, bound); });
  }
  ParameterId normal(std::string name, Shape shape, double deviation) const {
    Rng rng = stream(prefix_ + name);
    return add(std::move(name), shape, [&] { return deviation * rng.normal(); });
  }
  ParameterId fill(std::string name, Shape shape, double value) const {
    return add(std::move(name), shape, [&] { return value; });
  }

 private:
  Rng stream(const std::string& name) const {
    std::uint64_t h = 14695981039346656037ull;  // FNV-1a of the name
    for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    return Rng(seed_, h);
  }
  template <class F>
  ParameterId add(std::string name, Shape shape, F&& value) const {
    Tensor t(shape, dtype_);
    for (std::int64_t i = 0, n = t.size(); i < n; ++i) t.set(i, value());
    return to_->add(prefix_ + name, std::move(t), shared_);
  }

  Parameters* to_;
  DType dtype_;
  std::uint64_t seed_;
  bool shared_ = false;
  std::string prefix_;
};

}  // namespace triptych

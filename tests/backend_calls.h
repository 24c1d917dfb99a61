// Runs a table entry on random buffers with the reference and the cpu backend, in both dtypes and on 1 to 4 threads.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "backends/backend.h"
#include "core/rng.h"

namespace triptych::test {

using Size = std::int64_t;

// The buffers of one call: inputs drawn from a fixed seed; outputs start as NaN, so that one left unwritten shows.
class Call {
 public:
  explicit Call(DType dtype) : dtype_(dtype) {}

  View make(Size n, const std::function<double()>& draw) {
    auto& memory = memory_.emplace_back(static_cast<std::size_t>(n) + 1);
    const View x{memory.data(), dtype_};
    for (Size i = 0; i < n; ++i) set(x, i, draw());
    return x;
  }
  View value(Size n, double v) {
    return make(n, [&] { return v; });
  }
  View normal(Size n, double scale = 1, double shift = 0) {
    return make(n, [&] { return shift + scale * rng_.normal(); });
  }
  View uniform(Size n, double low, double high) {
    return make(n, [&] { return rng_.uniform(low, high); });
  }
  // 0 and 1; the first `masked` entries are 0.
  View mask(Size n, Size masked = 0) {
    return make(n, [&] { return masked-- > 0 || rng_.below(4) == 0 ? 0.0 : 1.0; });
  }
  View index(Size n, Size below, std::int32_t lowest = 0) {
    auto& x = indices_.emplace_back(static_cast<std::size_t>(n) + 1);
    for (auto& i : x) i = static_cast<std::int32_t>(rng_.below(static_cast<std::uint32_t>(below - lowest))) + lowest;
    return {x.data(), DType::i32};
  }
  // bags + 1 offsets into `count` indices; of three bags or more the first two are empty.
  View offsets(Size bags, Size count) {
    auto& x = indices_.emplace_back(static_cast<std::size_t>(bags) + 1);
    for (Size b = bags > 2 ? 3 : 1; b <= bags; ++b)
      x[static_cast<std::size_t>(b)] = static_cast<std::int32_t>(count * b / bags);
    return {x.data(), DType::i32};
  }
  View output(Size n) { return updated(value(n, std::nan("")), n); }
  View updated(View x, Size n) {
    outputs_.push_back({x, n});
    return x;
  }
  void number(double v) { outputs_.push_back({value(1, v), 1}); }

  double get(View x, Size i) const {
    return dtype_ == DType::f32 ? static_cast<double>(x.as<float>()[i]) : x.as<double>()[i];
  }
  void set(View x, Size i, double v) const {
    if (dtype_ == DType::f32)
      x.as<float>()[i] = static_cast<float>(v);
    else
      x.as<double>()[i] = v;
  }
  std::vector<std::vector<double>> results() const {
    std::vector<std::vector<double>> all;
    for (const auto& [x, n] : outputs_)
      for (Size i = (all.emplace_back(), 0); i < n; ++i) all.back().push_back(get(x, i));
    return all;
  }

 private:
  DType dtype_;
  Rng rng_{7};
  std::deque<std::vector<double>> memory_;
  std::deque<std::vector<std::int32_t>> indices_;
  std::vector<std::pair<View, Size>> outputs_;
};

using Run = std::function<void(const Kernels&, Call&)>;

inline std::vector<std::vector<double>> results(const Kernels& k, DType dtype, const Run& run) {
  Call call(dtype);
  run(k, call);
  return call.results();
}

inline bool same_bits(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!a[i].empty() && std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(double)) != 0) return false;
  return true;
}

// Largest difference relative to the largest value of that output; infinite where only one side is NaN.
inline double difference(const std::vector<double>& got, const std::vector<double>& want) {
  double worst = 0, scale = 1e-30;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (std::isnan(got[i]) != std::isnan(want[i])) return std::numeric_limits<double>::infinity();
    if (std::isnan(got[i]) || got[i] == want[i]) continue;
    worst = std::max(worst, std::abs(got[i] - want[i]));
    scale = std::max(scale, std::abs(want[i]));
  }
  for (double w : want)
    if (std::isfinite(w)) scale = std::max(scale, std::abs(w));
  return worst / scale;
}

// Values may differ by `tolerance` of an output's largest in float32 and 1e-12 in float64, bits not at all over
// threads.
inline void check(const std::string& name, const Run& run, double tolerance = 2e-6) {
  CAPTURE(name);
  const int before = threads();
  for (DType dtype : {DType::f32, DType::f64}) {
    CAPTURE(name_of(dtype));
    const auto want = results(reference_kernels(), dtype, run);
    set_threads(1);
    const auto got = results(cpu_kernels(), dtype, run);
    REQUIRE(got.size() == want.size());
    for (std::size_t o = 0; o < got.size(); ++o) {
      CAPTURE(o);
      CHECK(difference(got[o], want[o]) < (dtype == DType::f32 ? tolerance : 1e-12));
    }
    for (int n : {2, 3, 4}) {
      set_threads(n);
      CHECK(same_bits(results(cpu_kernels(), dtype, run), got));
    }
  }
  set_threads(before);
}

inline std::string text(Size a, Size b) { return std::to_string(a) + " x " + std::to_string(b); }

}  // namespace triptych::test

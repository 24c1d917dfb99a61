// Reading of tests/golden/*.json: arrays, settings, and how far a tensor is from what must come out.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/op_info.h"

namespace triptych::golden_test {

using nlohmann::json;

inline void collect(const json& j, std::vector<double>& values) {
  if (!j.is_array()) return values.push_back(j.get<double>());
  for (const json& item : j) collect(item, values);
}

inline Tensor tensor(const json& j, DType dtype = DType::f64) {
  std::vector<std::int64_t> sizes;
  for (const json* level = &j; level->is_array(); level = &level->at(0))
    sizes.push_back(static_cast<std::int64_t>(level->size()));
  std::vector<double> values;
  collect(j, values);
  return Tensor::from(Shape(sizes), std::span<const double>(values), dtype);
}

inline Setting setting(const json& j) {
  if (j.is_boolean()) return j.get<bool>();
  if (j.is_string()) return j.get<std::string>();
  return j.get<double>();
}

inline double deviation(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (std::int64_t i = 0; i < a.size(); ++i)
    worst = std::isfinite(a.at(i)) ? std::max(worst, std::abs(a.at(i) - b.at(i))) : INFINITY;
  return worst;
}

// The inputs of a case: an array's name, an array, or a number for a scalar.
inline std::vector<Tensor> inputs_of(const OpInfo& info, const json& golden, const json& c) {
  std::vector<Tensor> inputs;
  for (const Input& i : info.inputs) {
    const auto it = c.at("inputs").find(std::string(i.name));
    if (it == c.at("inputs").end())
      inputs.emplace_back();
    else
      inputs.push_back(tensor(it->is_string() ? golden.at("arrays").at(it->get<std::string>()) : *it,
                              i.kind == Kind::index ? DType::i32 : DType::f64));
  }
  return inputs;
}
inline Settings settings_of(const json& c) {
  Settings settings;
  for (const auto& [key, value] : c.at("settings").items()) settings.emplace_back(key, setting(value));
  return settings;
}

}  // namespace triptych::golden_test

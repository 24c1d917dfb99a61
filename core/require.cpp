#include "core/require.h"

#include <cstdio>

#include "core/error.h"

namespace triptych {
namespace {

std::string subject(std::string_view op, std::string_view name, const Var& x) {
  return "[" + std::string(op) + "] " + std::string(name) + " " + (x ? x.shape().text() : "(absent)");
}

}  // namespace

void require(bool ok, std::string_view op, std::string_view name, const Var& x, std::string_view rule) {
  if (!ok) throw Error(Exit::input, "op.shape", subject(op, name, x) + " must be " + std::string(rule));
}

void require(bool ok, std::string_view op, std::string_view name, const Var& x, std::string_view rule,
             std::string_view other_name, const Var& other) {
  if (!ok)
    throw Error(Exit::input, "op.shape",
                subject(op, name, x) + " must be " + std::string(rule) + ", got " + std::string(other_name) + " " +
                    other.shape().text());
}

void require(bool ok, std::string_view op, std::string_view name, double value, std::string_view rule) {
  if (ok) return;
  char number[32];
  std::snprintf(number, sizeof number, "%g", value);
  throw Error(Exit::input, "op.parameter",
              "[" + std::string(op) + "] " + std::string(name) + " = " + number + " must be " + std::string(rule));
}

void require_index(std::string_view op, std::string_view name, const Var& index, std::int64_t low, std::int64_t high,
                   std::string_view rule, std::string_view other_name, const Var& other) {
  require(index.dtype() == DType::i32, op, name, index, "int32");
  const std::int32_t* values = index.value().data<std::int32_t>();
  for (std::int64_t i = 0, n = index.value().size(); i < n; ++i)
    if (values[i] < low || values[i] >= high)
      throw Error(Exit::input, "op.index",
                  "[" + std::string(op) + "] " + std::string(name) + "[" + std::to_string(i) +
                      "] = " + std::to_string(values[i]) + " must be " + std::string(rule) + ", got " +
                      std::string(other_name) + " " + other.shape().text());
}

void require_constant(std::string_view op, std::string_view name, const Var& x) {
  if (x.requires_grad())
    throw Error(Exit::input, "op.constant",
                "[" + std::string(op) + "] " + std::string(name) + " must be a constant: no gradient flows into it");
}

}  // namespace triptych

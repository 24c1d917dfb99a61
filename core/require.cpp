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

}  // namespace triptych

// Shared by the entry-by-entry functions exp, sqrt, square, relu, gelu.
#pragma once

#include <string_view>

#include "core/tape.h"

namespace triptych {

// Which tensor the derivative is written from. Only that one is kept.
enum class Saves { input, output };

// y = f(x), recorded under the static text `name`.
Var unary(std::string_view name, Unary f, Saves saves, const Var& x);

}  // namespace triptych

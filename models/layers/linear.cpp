#include "models/layers/linear.h"

#include <cmath>

#include "ops/linear.h"

namespace triptych {

Linear::Linear(const Init& init, const std::string& name, std::int64_t in, std::int64_t out)
    : weight(init.uniform(name + ".weight", {out, in}, 1 / std::sqrt(static_cast<double>(in)))),
      bias(init.uniform(name + ".bias", {out}, 1 / std::sqrt(static_cast<double>(in)))) {}

Var Linear::operator()(const Context& c, const Var& x) const { return linear(x, c[weight], c[bias]); }

}  // namespace triptych

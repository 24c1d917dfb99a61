#include "losses/flow_path.h"

#include "core/require.h"
#include "ops/add.h"
#include "ops/reshape.h"
#include "ops/scale_rows.h"
#include "ops/sub.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
flow_path: x0 (n, ...), x1 like x0, t (n) or (n, 1), constant  ->  x_t, target, both like x0

  forward   x_t = (1 - t) x0 + t x1,   target = x1 - x0            t = 0 gives x0 (noise) and t = 1 gives x1 (data), exactly
  backward  dx0 = (1 - t) dx_t - dtarget,   dx1 = t dx_t + dtarget
  saves     t
  source    Liu, Gong, Liu 2023, arXiv 2209.03003, eq. 1; Lipman et al. 2023, arXiv 2210.02747, eq. 22 with
            sigma_min = 0. Others run time the other way (t = 1 is noise): not here
)";

Var by_sample(const Var& x, const Var& weight) {
  const Shape& shape = x.shape();
  return reshape(scale_rows(reshape(x, {shape[0], shape.count() / shape[0]}), weight), shape);
}

}  // namespace

void require_path(std::string_view loss, const Var& x0, const Var& x1, const Var& t) {
  require(x0.shape().rank() >= 1 && x0.value().size() > 0, loss, "x0", x0, "(n, ...), not empty");
  require(x1.shape() == x0.shape(), loss, "x1", x1, "of the shape of x0", "x0", x0);
  const std::int64_t n = x0.shape()[0];
  require(t.shape() == Shape{n} || t.shape() == Shape{n, 1}, loss, "t", t, "(n) or (n, 1)", "x0", x0);
}

FlowPath flow_path(const Var& x0, const Var& x1, const Var& t) {
  require_path("flow_path", x0, x1, t);
  require_constant("flow_path", "t", t);
  const Kernels& k = x0.kernels();
  Tape& tape = x0.tape();
  const std::int64_t n = x0.shape()[0];
  Tensor rest = Tensor::full({n}, x0.dtype(), 1);
  k.axpby(-1, t.value().view(), 1, rest.view(), n);
  const Var x_t = add(by_sample(x0, tape.constant(rest)), by_sample(x1, tape.constant(t.value().reshaped({n}))));
  return {x_t, sub(x1, x0)};
}

const OpInfo& flow_path_info() {
  static const OpInfo info{.name = "flow_path",
                           .formula = formula,
                           .inputs = {{"x0", "(n, ...)"}, {"x1", "(n, ...)"}, {"t", "(n) or (n, 1)", Kind::constant}},
                           .samples = {{"codes", {normal(3, 4), normal(3, 4), uniform(0, 1, {3})}},
                                       {"tokens", {normal(2, 3, 2), normal(2, 3, 2), uniform(0, 1, {2, 1})}},
                                       {"ends", {normal(2, 3), normal(2, 3), list({2}, {0, 1})}}},
                           .errors = {{{"shape", {normal(3, 2), normal(3, 4), normal(3)}},
                                       "[flow_path] x1 (3, 4) must be of the shape of x0, got x0 (3, 2)"},
                                      {{"time", {normal(3, 2), normal(3, 2), normal(2)}},
                                       "[flow_path] t (2) must be (n) or (n, 1), got x0 (3, 2)"}},
                           .apply = [](const Call& c) -> Outputs {
                             const FlowPath path = flow_path(c[0], c[1], c[2]);
                             return {path.x_t, path.target};
                           },
                           .outputs = {"x_t", "target"}};
  return info;
}

}  // namespace triptych

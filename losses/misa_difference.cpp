#include "losses/misa_difference.h"

#include "backends/mutant.h"
#include "losses/cross_product.h"
#include "losses/shapes.h"
#include "ops/centre_columns.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
misa_difference: a (n, da), b (n, db), n >= 1  ->  value ()

  forward   A_i = ac_i / (|ac_i| + e) row by row,  ac = columns centred,  e = 1e-6;  B likewise;   M = A^T B
            L = mean_kl M_kl^2
  backward  dA = (2 / (da db)) B M^T, dB = (2 / (da db)) A M
            detach_norms: dac = dA / (r + e),  r = |ac_i|;
            else dac = w^2 (dA - u (u . dA)) / r + dA e / (r + e)^2,  u = ac / r,  w = r / (r + e);   then centred
  saves     unit rows, their lengths, A, B, M
  stable    a row of zeros stays zero
  source    Hazarika, Zimmermann, Poria 2020, arXiv 2005.03545, eq. 8-9, in the form of their program: a mean over
            entries, row lengths detached
)";

constexpr double e = 1e-6;

// x / (|x| + e) row by row.
Var shortened(const Var& x, bool detach_norms) {
  const Kernels& k = x.kernels();
  const std::int64_t rows = x.shape()[0], cols = x.shape()[1];
  constexpr double tiny = 1e-12;
  Tensor unit(x.shape(), x.dtype()), norms({rows}, x.dtype()), y(x.shape(), x.dtype());
  k.row_normalise(x.value().view(), unit.view(), norms.view(), rows, cols, tiny);
  const auto each_row = [norms, rows](auto f) {
    Tensor t({rows}, norms.dtype());
    for (std::int64_t i = 0; i < rows; ++i) t.set(i, f(norms.at(i)));
    return t;
  };
  k.scale_rows(x.value().view(), each_row([](double r) { return 1 / (r + e); }).view(), y.view(), rows, cols);
  return record("misa_rows", y, {x}, [&k, unit, norms, rows, cols, each_row, detach_norms](const Tensor& dy) -> Grads {
    Tensor dx(unit.shape(), unit.dtype());
    const auto along = [&](double r) { return detach_norms ? 1 / (r + e) : e / ((r + e) * (r + e)); };
    k.scale_rows(dy.view(), each_row(along).view(), dx.view(), rows, cols);
    if (detach_norms) return {dx};
    Tensor across(unit.shape(), unit.dtype());
    k.row_normalise_backward(unit.view(), norms.view(), dy.view(), across.view(), rows, cols, tiny);
    const auto weight = [](double r) { return r / (r + e) * (r / (r + e)); };
    k.scale_rows(across.view(), each_row(weight).view(), across.view(), rows, cols);
    k.axpby(TRIPTYCH_TERM("misa_difference.across", 1.0), across.view(), TRIPTYCH_TERM("misa_difference.along", 1.0),
            dx.view(), dx.size());
    return {dx};
  });
}

}  // namespace

Var misa_difference(const Var& a, const Var& b, bool detach_norms) {
  require_same_rows("misa_difference", a, b, 1);
  const Var A = shortened(centre_columns(a), detach_norms), B = shortened(centre_columns(b), detach_norms);
  return cross_product("misa_difference", A, B, A.value(), B.value(),
                       1 / static_cast<double>(a.shape()[1] * b.shape()[1]));
}

const OpInfo& misa_difference_info() {
  // Finite differences see the full gradient; the detached one is checked against golden values.
  static const OpInfo info{
      .name = "misa_difference",
      .formula = formula,
      .inputs = {{"a", "(n, da)"}, {"b", "(n, db)"}},
      .params = {{"detach_norms", true, "row lengths count as constants in the gradient"}},
      .samples = {{"full", {normal(6, 3), normal(6, 3)}, {{"detach_norms", false}}},
                  {"widths_differ", {normal(5, 3), normal(5, 6)}, {{"detach_norms", false}}}},
      .errors = {{{"rows", {normal(3, 2), normal(4, 2)}},
                  "[misa_difference] b (4, 2) must be of as many rows as a, got a (3, 2)"}},
      .apply = [](const Call& c) -> Outputs { return {misa_difference(c[0], c[1], c.flag("detach_norms"))}; }};
  return info;
}

}  // namespace triptych

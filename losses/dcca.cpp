#include "losses/dcca.h"

#include <algorithm>

#include "backends/mutant.h"
#include "core/dense_solver.h"
#include "core/require.h"
#include "losses/shapes.h"
#include "ops/centre_columns.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
dcca: a (n, da), b (n, db), n > da, db  ->  value (), rho (min(da, db))

  forward   A, B = columns centred;   Saa = A^T A / (n - 1) + r I,  Sbb likewise,  Sab = A^T B / (n - 1)
            T = Saa^(-1/2) Sab Sbb^(-1/2) = U diag(rho) V^T;   value = -sum_i rho_i, minus the trace norm of T
  backward  da = (A Maa - B Mab^T) / (n - 1),   db = (B Mbb - A Mab) / (n - 1)            centred already, for A and B are
            Maa = Saa^(-1/2) U diag(rho) U^T Saa^(-1/2),  Mab = Saa^(-1/2) U V^T Sbb^(-1/2),  Mbb as Maa with V
            no decomposition is differentiated: equal correlations or equal variances do no harm
  saves     A, B, Maa, Mab, Mbb; all of it in float64 whatever the codes are
  kinks     rho_i = 0: pairs with rho_i < 1e-8 rho_1 are left out of U V^T, one of the subgradients
  limits    r = 0 asks for linearly independent columns. Independent codes have a mean squared correlation of
            max(da, db) / (n - 1), so a small batch flatters
  source    Andrew, Arora, Bilmes, Livescu 2013, "Deep Canonical Correlation Analysis", section 3 and its appendix
)";

constexpr double least_rho = 1e-8;  // of the largest

// op(x) op(y) in float64, (rows, inner) by (inner, cols).
struct Products {
  const Kernels& k;

  Tensor operator()(const Tensor& x, const Tensor& y, bool trans_x = false, bool trans_y = false,
                    double alpha = 1) const {
    const std::int64_t m = x.shape()[trans_x ? 1 : 0], n = y.shape()[trans_y ? 0 : 1],
                       inner = x.shape()[trans_x ? 0 : 1];
    Tensor z({m, n}, DType::f64);
    k.gemm({.trans_a = trans_x, .trans_b = trans_y, .m = m, .n = n, .k = inner, .alpha = alpha}, x.view(), y.view(),
           z.view());
    return z;
  }
};

Tensor inverse_root(const Products& product, std::string_view name, const Var& z, const Tensor& centred, double r) {
  const std::int64_t n = centred.shape()[0], d = centred.shape()[1];
  Tensor s = product(centred, centred, true, false, 1 / static_cast<double>(n - 1));
  for (std::int64_t i = 0; i < d; ++i) s.set(i * d + i, s.at(i * d + i) + r);
  Tensor root = inverse_square_root(s);
  require(static_cast<bool>(root), "dcca", name, z, "of linearly independent columns when r = 0");
  return root;
}

// Columns of u times weight[column].
Tensor scaled_columns(const Tensor& u, const std::vector<double>& weight) {
  Tensor t(u.shape(), DType::f64);
  const std::int64_t k = u.shape()[1];
  for (std::int64_t i = 0; i < u.size(); ++i) t.set(i, u.at(i) * weight[static_cast<std::size_t>(i % k)]);
  return t;
}

}  // namespace

Dcca dcca(const Var& a, const Var& b, double r) {
  require_same_rows("dcca", a, b, 2);
  const std::int64_t n = a.shape()[0];
  require(n > a.shape()[1], "dcca", "a", a, "(n, d) with n > d");
  require(n > b.shape()[1], "dcca", "b", b, "(n, d) with n > d");
  require(r >= 0, "dcca", "r", r, ">= 0");
  const Products product{a.kernels()};
  const Tensor A = centred(a.kernels(), a.value().to(DType::f64)), B = centred(a.kernels(), b.value().to(DType::f64));
  const Tensor root_a = inverse_root(product, "a", a, A, r), root_b = inverse_root(product, "b", b, B, r);
  const double weight = 1 / static_cast<double>(n - 1);
  const auto [u, s, v] = svd(product(product(root_a, product(A, B, true, false, weight)), root_b));

  const std::vector<double> rho = s.values();
  std::vector<double> kept;
  double total = 0;
  for (const double x : rho) {
    total += x;
    kept.push_back(x < least_rho * rho[0] ? 0 : 1);
  }
  const Tensor left = product(root_a, u), right = product(root_b, v);
  const Tensor m_aa = product(scaled_columns(left, rho), left, false, true, weight);
  const Tensor m_bb = product(scaled_columns(right, rho), right, false, true, weight);
  const Tensor m_ab = product(scaled_columns(left, kept), right, false, true, weight);
  const DType dtype = a.dtype();
  const Var value =
      record("dcca", Tensor::scalar(-total, dtype), {a, b},
             [product, A, B, m_aa, m_bb, m_ab, dtype, want_a = a.requires_grad(),
              want_b = b.requires_grad()](const Tensor& dy) -> Grads {
               const auto gradient = [&](const Tensor& own, const Tensor& m_own, const Tensor& other, bool transposed) {
                 Tensor g = product(own, m_own, false, false, TRIPTYCH_TERM("dcca.own_covariance", 1.0));
                 const Tensor cross = product(other, m_ab, false, transposed);
                 product.k.axpby(TRIPTYCH_TERM("dcca.cross_covariance", -1.0), cross.view(), 1, g.view(), g.size());
                 product.k.axpby(dy.item(), g.view(), 0, g.view(), g.size());
                 return g.to(dtype);
               };
               return {want_a ? gradient(A, m_aa, B, true) : Tensor{}, want_b ? gradient(B, m_bb, A, false) : Tensor{}};
             });
  return {value, a.tape().constant(s.to(dtype))};
}

const OpInfo& dcca_info() {
  static const OpInfo info{
      .name = "dcca",
      .formula = formula,
      .inputs = {{"a", "(n, da)"}, {"b", "(n, db)"}},
      .params = {{"r", 1e-3, "added to the diagonal of both covariances"}},
      .samples = {{"same_width", {normal(8, 3), normal(8, 3)}},
                  {"widths_differ", {normal(9, 2), normal(9, 4)}, {{"r", 0.1}}},
                  {"no_ridge", {3 + normal(7, 2), 2 * normal(7, 2)}, {{"r", 0.0}}},
                  {"one_column", {normal(4, 1), normal(4, 1)}, {{"r", 0.0}}}},
      .errors = {{{"few_rows", {normal(3, 3), normal(3, 3)}}, "[dcca] a (3, 3) must be (n, d) with n > d"},
                 {{"few_rows_b", {normal(3, 2), normal(3, 4)}}, "[dcca] b (3, 4) must be (n, d) with n > d"},
                 {{"rows", {normal(5, 2), normal(4, 2)}}, "[dcca] b (4, 2) must be of as many rows as a, got a (5, 2)"},
                 {{"constant", {fill(1, {5, 2}), normal(5, 2)}, {{"r", 0.0}}},
                  "[dcca] a (5, 2) must be of linearly independent columns when r = 0"},
                 {{"r", {normal(5, 2), normal(5, 2)}, {{"r", -1.0}}}, "[dcca] r = -1 must be >= 0"}},
      .apply = [](const Call& c) -> Outputs {
        const Dcca d = dcca(c[0], c[1], c.number("r"));
        return {d.value, d.rho};
      },
      .outputs = {"value", "rho"},
      .least_rows = [](std::span<const std::int64_t> widths, const Settings&) { return 1 + std::ranges::max(widths); }};
  return info;
}

}  // namespace triptych

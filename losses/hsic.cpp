#include "losses/hsic.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "backends/mutant.h"
#include "core/error.h"
#include "core/require.h"
#include "losses/shapes.h"
#include "ops/add.h"
#include "ops/centre_columns.h"
#include "ops/exp.h"
#include "ops/matmul.h"
#include "ops/mul.h"
#include "ops/scale.h"
#include "ops/square.h"
#include "ops/sub.h"
#include "ops/sum.h"
#include "ops/transpose.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
hsic: a (n, da), b (n, db), n >= 2 (unbiased: 4)  ->  value (), bandwidth_a (), bandwidth_b ()

  forward   K_ij = exp(-|a_i - a_j|^2 / s_a),  s_a = median of |a_i - a_j|^2 over i < j;    kernel linear: <a_i, a_j>
            biased    L = c sum_ij K'_ij L'_ij,  K' = H K H,  H = I - 11^T / n,  c = 1 / (n - 1)^2
            unbiased  K' the U-centred kernel: zero diagonal, then K_ij - r_i - r_j off it, with
                      r_i = sum_j K_ij / (n - 2) - sum_jk K_jk / (2 (n - 1) (n - 2));   c = 1 / (n (n - 3))
  backward  dK = c L', for both centrings are symmetric projections;   linear: da = 2 dK ac;
            rbf, P = dK * K entry by entry: da_i = -(4 / s_a) (a_i sum_j P_ij - sum_j P_ij a_j);   s_a is a constant
  saves     ac, bc and one (n, n) matrix a side, in float64 whatever the codes are
  stable    codes are centred first and kernels U-centred. The equal formula of sums over K and L (Song et al. 2012,
            eq. 5) cancels: in float32 with an offset of 1000 nothing is left of it
  edge      where the median is 0, because most rows are equal, s = 1
  limits    linear kernels see linear dependence only (biased: xcov)
  source    Gretton, Bousquet, Smola, Schoelkopf 2005 (biased); Song et al. 2012, JMLR 13, and Szekely, Rizzo 2014
            (unbiased)
)";

// The kernel of one side before centring, and what its gradient needs.
struct Side {
  Tensor z;  // (n, d) centred
  Tensor k;  // (n, n)
  double bandwidth = 0;
};

double median(std::vector<double> x) {
  const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
  std::nth_element(x.begin(), middle, x.end());
  return x.size() % 2 ? *middle : (*std::max_element(x.begin(), middle) + *middle) / 2;
}

double median_distance(const double* distance, std::int64_t n) {
  std::vector<double> above;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = i + 1; j < n; ++j) {
      if (std::isnan(distance[i * n + j])) return distance[i * n + j];  // has no place in an order
      above.push_back(distance[i * n + j]);
    }
  const double m = median(std::move(above));
  return m == 0 ? 1 : m;
}

Side side(const Kernels& kernels, const Tensor& codes, const HsicOptions& options) {
  Side s{centred(kernels, codes.to(DType::f64)), {}};
  const std::int64_t n = codes.shape()[0], d = codes.shape()[1];
  s.k = Tensor({n, n}, DType::f64);
  kernels.gemm({.trans_b = true, .m = n, .n = n, .k = d}, s.z.view(), s.z.view(), s.k.view());
  if (!options.rbf) return s;
  auto* k = s.k.data<double>();
  std::vector<double> length(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) length[static_cast<std::size_t>(i)] = k[i * n + i];
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const double x = length[static_cast<std::size_t>(i)] + length[static_cast<std::size_t>(j)] - 2 * k[i * n + j];
      k[i * n + j] = i == j ? 0 : std::max(x, 0.0);
    }
  s.bandwidth = options.bandwidth > 0 ? options.bandwidth : median_distance(k, n);
  for (std::int64_t i = 0; i < n * n; ++i) k[i] = std::exp(-k[i] / s.bandwidth);
  return s;
}

// K' of the header: a row's mean less half of the whole one's, taken off rows and columns.
Tensor centred_kernel(const Tensor& kernel, bool unbiased) {
  const std::int64_t n = kernel.shape()[0];
  Tensor out = kernel.clone();
  auto* k = out.data<double>();
  if (unbiased)
    for (std::int64_t i = 0; i < n; ++i) k[i * n + i] = 0;
  const auto terms = static_cast<double>(unbiased ? n - 2 : n), rows = static_cast<double>(unbiased ? n - 1 : n);
  std::vector<double> r(static_cast<std::size_t>(n));
  double all = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    double& mean = r[static_cast<std::size_t>(i)];
    for (std::int64_t j = 0; j < n; ++j) mean += k[i * n + j];
    mean /= terms;
    all += mean;
  }
  for (double& x : r) x -= all / (2 * rows);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      double& x = k[i * n + j];
      x = unbiased && i == j ? 0 : x - r[static_cast<std::size_t>(i)] - r[static_cast<std::size_t>(j)];
    }
  return out;
}

// M with dz = M z, from dK = c L'.
Tensor slope(const Side& s, const Tensor& other, double c) {
  const std::int64_t n = s.k.shape()[0];
  Tensor out = other.clone();
  auto* m = out.data<double>();
  const auto* k = s.k.data<double>();
  const bool rbf = s.bandwidth > 0;
  for (std::int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::int64_t j = 0; j < n; ++j) {
      double& x = m[i * n + j];
      x *= rbf ? 4 * c / s.bandwidth * k[i * n + j] : 2 * c;
      sum += x;
    }
    if (rbf) m[i * n + i] -= TRIPTYCH_TERM("hsic.own_row", sum);
  }
  return out;
}

double weight(std::int64_t rows, bool unbiased) {
  const auto n = static_cast<double>(rows);
  return unbiased ? 1 / (n * (n - 3)) : 1 / ((n - 1) * (n - 1));
}

HsicOptions options_of(const Call& c) {
  const std::string &kernel = c.text("kernel"), &estimator = c.text("estimator"), &bandwidth = c.text("bandwidth");
  const auto refuse = [](const char* name, const std::string& value, const char* rule) {
    throw Error(Exit::input, "op.parameter",
                std::string("[hsic] ") + name + " = '" + escape_text(value) + "' must be " + rule);
  };
  if (kernel != "rbf" && kernel != "linear") refuse("kernel", kernel, "rbf or linear");
  if (estimator != "biased" && estimator != "unbiased") refuse("estimator", estimator, "biased or unbiased");
  HsicOptions o{kernel == "rbf", estimator == "unbiased", 0};
  if (bandwidth == "median") return o;
  const char* end = bandwidth.data() + bandwidth.size();
  const auto [at, error] = std::from_chars(bandwidth.data(), end, o.bandwidth);
  if (error != std::errc{} || at != end || !(o.bandwidth > 0) || !std::isfinite(o.bandwidth))
    refuse("bandwidth", bandwidth, "median or a positive number");
  return o;
}

}  // namespace

Hsic hsic(const Var& a, const Var& b, const HsicOptions& options) {
  require_same_rows("hsic", a, b, 2);
  require(!options.unbiased || a.shape()[0] >= 4, "hsic", "a", a, "(n, d) with n >= 4, for the unbiased estimator");
  require(options.bandwidth >= 0, "hsic", "bandwidth", options.bandwidth, ">= 0");
  const Kernels& k = a.kernels();
  const Side of_a = side(k, a.value(), options), of_b = side(k, b.value(), options);
  const Tensor ka = centred_kernel(of_a.k, options.unbiased), kb = centred_kernel(of_b.k, options.unbiased);
  const double c = weight(a.shape()[0], options.unbiased);
  const Tensor m_a = a.requires_grad() ? slope(of_a, kb, c) : Tensor{};
  const Tensor m_b = b.requires_grad() ? slope(of_b, ka, c) : Tensor{};
  const DType dtype = a.dtype();
  Hsic h;
  h.value = record("hsic", Tensor::scalar(c * k.dot(ka.view(), kb.view(), ka.size()), dtype), {a, b},
                   [&k, m_a, m_b, za = of_a.z, zb = of_b.z, dtype](const Tensor& dy) -> Grads {
                     const auto gradient = [&](const Tensor& m, const Tensor& z) -> Tensor {
                       if (!m) return {};
                       const std::int64_t n = z.shape()[0], d = z.shape()[1];
                       Tensor g(z.shape(), DType::f64);
                       k.gemm({.m = n, .n = d, .k = n, .alpha = dy.item()}, m.view(), z.view(), g.view());
                       return g.to(dtype);
                     };
                     return {gradient(m_a, za), gradient(m_b, zb)};
                   });
  if (!options.rbf) return h;
  h.bandwidth_a = a.tape().constant(Tensor::scalar(of_a.bandwidth, dtype));
  h.bandwidth_b = a.tape().constant(Tensor::scalar(of_b.bandwidth, dtype));
  return h;
}

const OpInfo& hsic_info() {
  const auto text = [](const char* s) { return std::string(s); };
  // Finite differences would move the median too, which counts as a constant: its gradient is checked against golden
  // values.
  static const OpInfo info{
      .name = "hsic",
      .formula = formula,
      .inputs = {{"a", "(n, da)"}, {"b", "(n, db)"}},
      .params = {{"kernel", text("rbf"), "rbf or linear"},
                 {"estimator", text("biased"), "biased or unbiased"},
                 {"bandwidth", text("median"), "rbf: median, or the squared distance at which a kernel is 1/e"}},
      .samples = {{"biased", {normal(6, 3), normal(6, 2)}, {{"bandwidth", text("2.5")}}},
                  {"unbiased",
                   {normal(5, 2), 2 * normal(5, 3)},
                   {{"bandwidth", text("3")}, {"estimator", text("unbiased")}}},
                  {"linear", {1 + normal(6, 3), normal(6, 2)}, {{"kernel", text("linear")}}},
                  {"linear_unbiased",
                   {normal(4, 2), normal(4, 3)},
                   {{"kernel", text("linear")}, {"estimator", text("unbiased")}}},
                  {"two_rows", {normal(2, 3), normal(2, 1)}, {{"bandwidth", text("1")}}}},
      .errors = {{{"few_rows", {normal(3, 2), normal(3, 2)}, {{"estimator", text("unbiased")}}},
                  "[hsic] a (3, 2) must be (n, d) with n >= 4, for the unbiased estimator"},
                 {{"rows", {normal(5, 2), normal(4, 2)}}, "[hsic] b (4, 2) must be of as many rows as a, got a (5, 2)"},
                 {{"kernel", {normal(5, 2), normal(5, 2)}, {{"kernel", text("rbg")}}},
                  "[hsic] kernel = 'rbg' must be rbf or linear"},
                 {{"estimator", {normal(5, 2), normal(5, 2)}, {{"estimator", text("song")}}},
                  "[hsic] estimator = 'song' must be biased or unbiased"},
                 {{"bandwidth", {normal(5, 2), normal(5, 2)}, {{"bandwidth", text("0")}}},
                  "[hsic] bandwidth = '0' must be median or a positive number"}},
      .apply = [](const Call& c) -> Outputs {
        const Hsic h = hsic(c[0], c[1], options_of(c));
        return {h.value, h.bandwidth_a, h.bandwidth_b};
      },
      // Song et al.'s sums for the unbiased estimator, matrix products with H for the biased one.
      .reference = [](const Call& c) -> Outputs {
        const HsicOptions o = options_of(c);
        const std::int64_t n = c[0].shape()[0];
        const auto m = static_cast<double>(n);
        const auto constant = [&](Shape shape, auto f) {
          Tensor t(shape, DType::f64);
          for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, f(i / n == i % n));
          return c.tape.constant(t);
        };
        const auto kernel = [&](const Var& z) {
          const Var gram = matmul(z, z, false, true);
          if (!o.rbf) return gram;
          const Var ones = c.tape.constant(Tensor::full({z.shape()[1], n}, DType::f64, 1));
          const Var lengths = matmul(square(z), ones);
          return exp(scale(sub(add(lengths, transpose(lengths)), scale(gram, 2)), -1 / o.bandwidth));
        };
        Var k = kernel(c[0]), l = kernel(c[1]), value;
        if (o.unbiased) {
          const Var off = constant({n, n}, [](bool diagonal) { return diagonal ? 0 : 1; });
          k = mul(k, off), l = mul(l, off);
          const Var products = scale(sum(matmul(k, l)), -2 / (m - 2));
          const Var means = scale(mul(sum(k), sum(l)), 1 / ((m - 1) * (m - 2)));
          value = add(add(sum(mul(k, l)), means), products);
        } else {
          const Var h = constant({n, n}, [&](bool diagonal) { return (diagonal ? 1 : 0) - 1 / m; });
          value = sum(mul(matmul(matmul(h, k), h), l));
        }
        const auto bandwidth = [&] { return o.rbf ? c.tape.constant(Tensor::scalar(o.bandwidth, DType::f64)) : Var{}; };
        return {scale(value, weight(n, o.unbiased)), bandwidth(), bandwidth()};
      },
      .outputs = {"value", "bandwidth_a", "bandwidth_b"},
      .least_rows = [](std::span<const std::int64_t>, const Settings& given) -> std::int64_t {
        for (const auto& [name, value] : given)
          if (name == "estimator" && value == Setting{std::string("unbiased")}) return 4;
        return 2;
      }};
  return info;
}

}  // namespace triptych

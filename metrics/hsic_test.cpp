#include "metrics/hsic_test.h"

#include <algorithm>
#include <numeric>

#include "backends/cpu/parallel.h"
#include "core/error.h"
#include "core/rng.h"
#include "metrics/answer.h"
#include "metrics/kernels.h"

namespace triptych::metrics {
namespace {

constexpr std::string_view formula = R"(
hsic_test: a (N, p), b (N, q)  ->  value (), p_value (), chance ()

  measures  whether a and b are dependent in any way: a small p_value says that pairs matter
  forward   value = sum_ij K'_ij L_ij / (N - 1)^2,  K' = H K H,  K, L the kernels of a and b: rbf with the median
            heuristic (see cka), or linear
            p_value = (1 + #{draws with HSIC(a, b in another order) >= value}) / (1 + draws), draws = permutations;
            N <= 7: the share of all N! orders, the given one among them.   chance = mean HSIC over these orders
  chance    p_value is uniform on (0, 1] where a and b are independent; value is compared with `chance`, not with 0
  misleads  a test, not a size: with many samples the faintest dependence is significant. Rows must be independent
            samples: views of one item are not, and make p_value too small. linear sees linear dependence only
  edge      undefined as for cka; values that rounding alone separates count as equal
  source    Gretton, Bousquet, Smola, Schoelkopf 2005; Gretton et al. 2008, NIPS 20 (test); Phipson, Smyth 2010 (1 + ...)
)";

constexpr std::int64_t exhaustive = 7;  // 5040 orders

// <K', L in the order given>
double product(const Matrix& k, const Matrix& l, const std::vector<Eigen::Index>& order) {
  double sum = 0;
  for (Eigen::Index i = 0; i < k.rows(); ++i) {
    const double* row = &l(order[static_cast<std::size_t>(i)], 0);
    double part = 0;
    for (Eigen::Index j = 0; j < k.cols(); ++j) part += k(i, j) * row[order[static_cast<std::size_t>(j)]];
    sum += part;
  }
  return sum;
}

std::vector<Eigen::Index> given_order(Eigen::Index n) {
  std::vector<Eigen::Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

// HSIC, up to its factor, of every order that is looked at.
std::vector<double> values_of_orders(const Matrix& k, const Matrix& l, const HsicTestOptions& options) {
  const Eigen::Index n = k.rows();
  std::vector<double> values;
  if (n <= exhaustive) {
    std::vector<Eigen::Index> order = given_order(n);
    do values.push_back(product(k, l, order));
    while (std::next_permutation(order.begin(), order.end()));
    return values;
  }
  values.resize(static_cast<std::size_t>(options.permutations));
  cpu::parallel_for(options.permutations, options.permutations * n * n, [&](std::int64_t draw) {
    Rng rng(options.seed, static_cast<std::uint64_t>(draw));
    std::vector<Eigen::Index> order = given_order(n);
    shuffle(order, rng);
    values[static_cast<std::size_t>(draw)] = product(k, l, order);
  });
  return values;
}

}  // namespace

std::optional<HsicTest> hsic_test(const Tensor& a, const Tensor& b, const HsicTestOptions& options) {
  const Matrix x = centred(checked_matrix("hsic_test", "a", a)), y = centred(checked_matrix("hsic_test", "b", b));
  if (x.rows() != y.rows()) refuse("hsic_test", "b", b, "(N, q) with the N of a", a.shape().text());
  if (x.rows() < 4) refuse("hsic_test", "a", a, "(N, p) with N at least 4");
  if (options.permutations < 1)
    throw Error(Exit::input, "hsic_test.argument",
                "[hsic_test] permutations must be at least 1, got " + std::to_string(options.permutations));
  std::optional<Matrix> k, l;
  if (options.rbf) {
    k = rbf_kernel(x), l = rbf_kernel(y);
  } else if (!x.isZero(0) && !y.isZero(0)) {
    k = x * x.transpose(), l = y * y.transpose();
  }
  if (!k || !l) return std::nullopt;
  centre_kernel(*k, false);

  const double n = static_cast<double>(x.rows()), scale = 1 / ((n - 1) * (n - 1));
  const double value = product(*k, *l, given_order(x.rows())), rounding = 1e-12 * k->norm() * l->norm();
  const std::vector<double> values = values_of_orders(*k, *l, options);
  const auto reached = std::count_if(values.begin(), values.end(), [&](double v) { return v >= value - rounding; });
  const int more = x.rows() <= exhaustive ? 0 : 1;  // the given order is among all N!, and not among those drawn
  HsicTest t{scale * value, 0, 0, std::ssize(values)};
  t.p_value = static_cast<double>(reached + more) / static_cast<double>(t.draws + more);
  t.chance = scale * std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(t.draws);
  return t;
}

const OpInfo& hsic_test_info() {
  const auto text = [](const char* s) { return std::string(s); };
  static const OpInfo info{
      .name = "hsic_test",
      .formula = formula,
      .inputs = {{"a", "(N, p)", Kind::constant}, {"b", "(N, q)", Kind::constant}},
      .params = {{"kernel", text("rbf"), "rbf or linear"},
                 {"permutations", 1000.0, "orders drawn when N > 7"},
                 {"seed", 0.0, "of the orders"}},
      .samples = {{"exhaustive", {normal(5, 2), normal(5, 3)}},
                  {"drawn", {normal(9, 2), normal(9, 3)}, {{"permutations", 50.0}}},
                  {"linear", {normal(6, 2), normal(6, 3)}, {{"kernel", text("linear")}}}},
      .errors = {{{"few", {normal(3, 2), normal(3, 2)}}, "[hsic_test] a (3, 2) must be (N, p) with N at least 4"},
                 {{"constant", {fill(2, {6, 2}), normal(6, 2)}},
                  "[hsic_test] is undefined: a or b is constant, or most of its rows are equal"},
                 {{"kernel", {normal(6, 2), normal(6, 2)}, {{"kernel", text("poly")}}},
                  "[hsic_test] kernel = 'poly' must be rbf or linear"}},
      .apply = [](const Call& c) -> Outputs {
        const HsicTestOptions o{!chosen(c, "kernel", "rbf", "linear"), c.integer("permutations", 1, 1000000),
                                static_cast<std::uint64_t>(c.integer("seed"))};
        const auto t = hsic_test(c[0].value(), c[1].value(), o);
        const HsicTest& v = defined(t, "hsic_test", "a or b is constant, or most of its rows are equal");
        return {number(c, v.value), number(c, v.p_value), number(c, v.chance)};
      },
      .outputs = {"value", "p_value", "chance"}};
  return info;
}

}  // namespace triptych::metrics

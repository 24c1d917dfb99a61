#include "metrics/cca.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "metrics/answer.h"
#include "metrics/dense.h"  // before the rest of Eigen: it sets Eigen up

#include <Eigen/SVD>

namespace triptych::metrics {
namespace {

constexpr std::string_view cca_formula = R"(
cca: a (N, p), b (N, q)  ->  value (), rho (k), mean (), mean_squared ()

  measures  how well the best linear readings of a and b agree, one pair of directions after the other
  forward   A = U_a S_a V_a^T,  B = U_b S_b V_b^T of the centred codes, directions of no size left out
            rho = singular values of D_a U_a^T U_b D_b,  D = S / sqrt(S^2 + (N - 1) r),  k = min(rank A, rank B)
            value = mean = mean(rho);   mean_squared = mean(rho^2)
  chance    mean_squared: max(p, q) / (N - 1) on independent codes; mean: about its root and a little less
  misleads  on few samples everything correlates. Blind to size: a direction of pure noise counts as much as the code's
            largest one; see svcca, pwcca and cka
  edge      undefined for a constant side; refused when a side has N - 1 directions and r = 0, where every rho is 1.
            centre = false takes the columns as they are
  source    Hotelling 1936; Raghu et al. 2017, arXiv 1706.05806 (singular-vector form); Kornblith et al. 2019,
            arXiv 1905.00414 (mean_squared)
)";

constexpr std::string_view svcca_formula = R"(
svcca: a (N, p), b (N, q)  ->  value (), dims (2) int32

  measures  how well the best linear readings of the two codes' main directions agree
  forward   keep the fewest leading singular directions of each centred code with sum s^2 >= variance of the whole;
            value = mean canonical correlation of what is kept;   dims = directions kept of a and of b
  chance    about sqrt(max(dims) / (N - 1)) and a little less on independent codes
  misleads  as cca; and `variance` is a choice: compare only values made with the same one
  edge      undefined for a constant side; refused when a side keeps N - 1 directions
  source    Raghu, Gilmer, Yosinski, Sohl-Dickstein 2017, arXiv 1706.05806
)";

constexpr std::string_view pwcca_formula = R"(
pwcca: a (N, p), b (N, q)  ->  value (), dims (2) int32

  measures  the mean canonical correlation, weighted by how much of a each canonical direction accounts for
  forward   directions kept as in svcca;   U_a^T U_b = P diag(rho) Q^T,  h_i = column i of U_a P
            alpha_i = sum_j |<h_i, a_j>| over the columns a_j of the centred a;   value = sum alpha rho / sum alpha
  chance    about sqrt(max(dims) / (N - 1)) on independent codes
  misleads  not symmetric: pwcca(a, b) asks how much of a is found in b. Depends on the axes of a through its columns
  edge      undefined for a constant side; refused when a side keeps N - 1 directions
  source    Morcos, Raghu, Bengio 2018, arXiv 1806.05759, sec. 2.1
)";

// Left singular vectors and singular values, directions of no size left out.
struct Basis {
  Eigen::MatrixXd u;
  Vector s;
};

Basis basis(const Matrix& x) {
  const Eigen::BDCSVD<Eigen::MatrixXd> svd(Eigen::MatrixXd(x), Eigen::ComputeThinU);
  const Vector& s = svd.singularValues();
  const double least =
      s(0) * static_cast<double>(std::max(x.rows(), x.cols())) * std::numeric_limits<double>::epsilon();
  const Eigen::Index rank = s(0) > 0 ? (s.array() > least).count() : 0;
  return {svd.matrixU().leftCols(rank), s.head(rank)};
}

// The fewest leading directions that hold the share `variance` of the whole.
Basis leading(Basis x, double variance) {
  const double all = x.s.squaredNorm();
  double sum = 0;
  Eigen::Index kept = 0;
  while (kept < x.s.size() && sum / all < variance) sum += x.s(kept) * x.s(kept), ++kept;
  return {x.u.leftCols(kept), x.s.head(kept)};
}

struct Sides {
  Matrix a, b;
};
Sides checked_sides(const std::string& name, const Tensor& a, const Tensor& b, bool centre) {
  Sides s{checked_matrix(name, "a", a), checked_matrix(name, "b", b)};
  if (s.a.rows() != s.b.rows()) refuse(name, "b", b, "(N, q) with the N of a", a.shape().text());
  if (centre) s = {centred(s.a), centred(s.b)};
  return s;
}

// Fewer directions than degrees of freedom, or every correlation is 1.
void require_room(const std::string& name, const char* argument, const Tensor& x, Eigen::Index directions,
                  bool centre) {
  const std::int64_t freedom = x.shape()[0] - (centre ? 1 : 0);
  if (directions >= freedom)
    refuse(name, argument, x, "of fewer than " + std::to_string(freedom) + " directions",
           std::to_string(directions) + ": every correlation would be 1");
}

struct Reduced {
  Matrix a;
  Basis of_a, of_b;
};
std::optional<Reduced> reduced(const std::string& name, const Tensor& a, const Tensor& b, double variance) {
  if (!(variance > 0 && variance <= 1))
    throw Error(Exit::input, name + ".argument",
                "[" + name + "] variance must be in (0, 1], got " + std::to_string(variance));
  const Sides s = checked_sides(name, a, b, true);
  Reduced r{s.a, leading(basis(s.a), variance), leading(basis(s.b), variance)};
  if (r.of_a.s.size() == 0 || r.of_b.s.size() == 0) return std::nullopt;
  require_room(name, "a", a, r.of_a.s.size(), true);
  require_room(name, "b", b, r.of_b.s.size(), true);
  return r;
}

Vector at_most_one(const Vector& rho) { return rho.cwiseMin(1); }  // rounding may pass it

constexpr const char* constant_side = "a or b is constant";

template <auto metric>
OpInfo reduced_info(const char* name, std::string_view formula, const char* rows, const char* wide,
                    const char* constant) {
  return {
      .name = name,
      .formula = formula,
      .inputs = {{"a", "(N, p)", Kind::constant}, {"b", "(N, q)", Kind::constant}},
      .params = {{"variance", 0.99, "share of each side's variance that is kept"}},
      .samples = {{"all", {normal(9, 3), normal(9, 2)}}, {"wide", {normal(9, 12), normal(9, 2)}, {{"variance", 0.5}}}},
      .errors = {{{"rows", {normal(6, 2), normal(5, 2)}}, rows},
                 {{"wide", {normal(4, 9), normal(4, 2)}}, wide},
                 {{"constant", {fill(2, {6, 2}), normal(6, 2)}}, constant}},
      .apply = [](const Call& c) -> Outputs {
        const auto r = metric(c[0].value(), c[1].value(), c.number("variance"));
        const ReducedCca& v = defined(r, c.info.name, constant_side);
        return {number(c, v.value), indices(c, {v.dims_a, v.dims_b})};
      },
      .outputs = {"value", "dims"}};
}

}  // namespace

std::optional<Cca> cca(const Tensor& a, const Tensor& b, const CcaOptions& options) {
  if (!(options.r >= 0))
    throw Error(Exit::input, "cca.argument", "[cca] r must be at least 0, got " + std::to_string(options.r));
  const Sides sides = checked_sides("cca", a, b, options.centre);
  const Basis of_a = basis(sides.a), of_b = basis(sides.b);
  if (of_a.s.size() == 0 || of_b.s.size() == 0) return std::nullopt;
  if (options.r == 0) {
    require_room("cca", "a", a, of_a.s.size(), options.centre);
    require_room("cca", "b", b, of_b.s.size(), options.centre);
  }
  const double ridge = (static_cast<double>(sides.a.rows()) - 1) * options.r;
  const auto shrunk = [&](const Basis& x) -> Vector { return x.s.array() / (x.s.array().square() + ridge).sqrt(); };
  const Eigen::MatrixXd cross = shrunk(of_a).asDiagonal() * (of_a.u.transpose() * of_b.u) * shrunk(of_b).asDiagonal();
  const Vector rho = at_most_one(Eigen::BDCSVD<Eigen::MatrixXd>(cross).singularValues());
  return Cca{{rho.begin(), rho.end()}, rho.mean(), rho.squaredNorm() / static_cast<double>(rho.size())};
}

std::optional<ReducedCca> svcca(const Tensor& a, const Tensor& b, double variance) {
  const auto r = reduced("svcca", a, b, variance);
  if (!r) return std::nullopt;
  const Eigen::MatrixXd cross = r->of_a.u.transpose() * r->of_b.u;
  return ReducedCca{at_most_one(Eigen::BDCSVD<Eigen::MatrixXd>(cross).singularValues()).mean(), r->of_a.s.size(),
                    r->of_b.s.size()};
}

std::optional<ReducedCca> pwcca(const Tensor& a, const Tensor& b, double variance) {
  const auto r = reduced("pwcca", a, b, variance);
  if (!r) return std::nullopt;
  const Eigen::MatrixXd cross = r->of_a.u.transpose() * r->of_b.u;
  const Eigen::BDCSVD<Eigen::MatrixXd> svd(cross, Eigen::ComputeThinU);
  const Eigen::MatrixXd h = r->of_a.u * svd.matrixU();
  const Vector alpha = (h.transpose() * r->a).cwiseAbs().rowwise().sum();
  return ReducedCca{alpha.dot(at_most_one(svd.singularValues())) / alpha.sum(), r->of_a.s.size(), r->of_b.s.size()};
}

const OpInfo& cca_info() {
  static const OpInfo info{
      .name = "cca",
      .formula = cca_formula,
      .inputs = {{"a", "(N, p)", Kind::constant}, {"b", "(N, q)", Kind::constant}},
      .params = {{"r", 0.0, "added to the diagonal of both covariances"},
                 {"centre", true, "subtract the column means first"}},
      .samples = {{"widths_differ", {normal(9, 3), normal(9, 2)}},
                  {"ridge_wide", {normal(5, 6), normal(5, 7)}, {{"r", 0.1}}},
                  {"as_they_are", {1 + normal(9, 3), normal(9, 3)}, {{"centre", false}}}},
      .errors = {{{"rows", {normal(6, 2), normal(5, 2)}}, "[cca] b (5, 2) must be (N, q) with the N of a, got (6, 2)"},
                 {{"wide", {normal(4, 5), normal(4, 2)}},
                  "[cca] a (4, 5) must be of fewer than 3 directions, got 3: every correlation would be 1"},
                 {{"constant", {fill(2, {6, 2}), normal(6, 2)}}, "[cca] is undefined: a or b is constant"},
                 {{"r", {normal(6, 2), normal(6, 2)}, {{"r", -1.0}}}, "[cca] r must be at least 0, got -1.000000"}},
      .apply = [](const Call& c) -> Outputs {
        const auto r = cca(c[0].value(), c[1].value(), {c.number("r"), c.flag("centre")});
        const Cca& v = defined(r, "cca", constant_side);
        return {number(c, v.mean), numbers(c, v.rho), number(c, v.mean), number(c, v.mean_squared)};
      },
      .outputs = {"value", "rho", "mean", "mean_squared"}};
  return info;
}

const OpInfo& svcca_info() {
  static const OpInfo info =
      reduced_info<&svcca>("svcca", svcca_formula, "[svcca] b (5, 2) must be (N, q) with the N of a, got (6, 2)",
                           "[svcca] a (4, 9) must be of fewer than 3 directions, got 3: every correlation would be 1",
                           "[svcca] is undefined: a or b is constant");
  return info;
}

const OpInfo& pwcca_info() {
  static const OpInfo info =
      reduced_info<&pwcca>("pwcca", pwcca_formula, "[pwcca] b (5, 2) must be (N, q) with the N of a, got (6, 2)",
                           "[pwcca] a (4, 9) must be of fewer than 3 directions, got 3: every correlation would be 1",
                           "[pwcca] is undefined: a or b is constant");
  return info;
}

}  // namespace triptych::metrics

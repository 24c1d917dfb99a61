#include "metrics/ridge_probe.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "metrics/answer.h"
#include "metrics/dense.h"  // before the rest of Eigen: it sets Eigen up

#include <Eigen/Cholesky>
#include <Eigen/QR>

namespace triptych::metrics {
namespace {

const char* const name = "linear_probe_r2";

constexpr std::string_view formula = R"(
linear_probe_r2: x (N, p), y (N, q)  ->  value ()

  measures  how much of y's variance a linear map of x explains: 1 all of it, 0 none
  forward   B = argmin |Yc - Xc B|_F^2 + ridge |B|_F^2   Yc, Xc: columns minus their means on the fitted rows;
            standardised: Xc is also divided by its standard deviations there, and the answer does not depend on the
            units of x. ridge = 0 is least squares, the solution of least norm where x is rank deficient
            value = mean over targets t of 1 - SSE_t / SST_t,  SST_t about the mean of the scored rows
  chance    0 on held-out rows, where it can be negative. compute fits and scores the same rows: p / (N - 1) for p white
            features
  misleads  fitted and scored on the same rows it rises with every feature: judge codes on held-out rows (triptych eval)
  edge      a target that is constant on the scored rows has no R^2 and is left out; undefined when that leaves none
  source    Hoerl, Kennard 1970, Ridge Regression; Alain, Bengio 2016, arXiv 1610.01644
)";

Matrix coefficients(const Matrix& x, const Matrix& y, double ridge) {
  if (ridge > 0) {
    Matrix gram = x.transpose() * x;
    gram.diagonal().array() += ridge;
    return gram.llt().solve(x.transpose() * y);
  }
  Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> factor;
  factor.setThreshold(static_cast<double>(std::max(x.rows(), x.cols())) * std::numeric_limits<double>::epsilon());
  return factor.compute(x).solve(y);
}

void check_rows(const char* argument, const Tensor& y, const Tensor& x) {
  if (y.shape()[0] != x.shape()[0]) refuse(name, argument, y, "(N, q) with the N of x", x.shape().text());
  if (x.shape()[0] < 2) refuse(name, argument, y, "(N, q) with N at least 2");
}

}  // namespace

Tensor linear_prediction(const Tensor& train_x, const Tensor& train_y, const Tensor& test_x,
                         const RidgeOptions& options) {
  Matrix x = checked_matrix(name, "x", train_x), held_x = checked_matrix(name, "test x", test_x);
  const Matrix y = checked_matrix(name, "y", train_y);
  check_rows("y", train_y, train_x);
  if (held_x.cols() != x.cols()) refuse(name, "test x", test_x, "(n, p) with the p of x", train_x.shape().text());
  if (!(options.ridge >= 0))
    throw Error(Exit::input, "linear_probe_r2.argument",
                "[linear_probe_r2] ridge must be at least 0, got " + std::to_string(options.ridge));
  if (options.standardised) {
    standardise(x, held_x);
  } else {
    const Eigen::RowVectorXd mean = x.colwise().mean();
    x.rowwise() -= mean;
    held_x.rowwise() -= mean;
  }
  return as_tensor((held_x * coefficients(x, centred(y), options.ridge)).rowwise() + y.colwise().mean());
}

std::optional<double> r2_score(const Tensor& predicted, const Tensor& truth) {
  const Matrix f = checked_matrix(name, "predicted", predicted), y = checked_matrix(name, "test y", truth);
  if (f.rows() != y.rows() || f.cols() != y.cols())
    refuse(name, "test y", truth, "(n, q) as the prediction", predicted.shape().text());
  double sum = 0;
  int targets = 0;
  for (Eigen::Index t = 0; t < y.cols(); ++t) {
    const double total = centred(y.col(t)).squaredNorm();
    if (total == 0) continue;
    sum += 1 - (y.col(t) - f.col(t)).squaredNorm() / total;
    ++targets;
  }
  return targets ? std::optional(sum / targets) : std::nullopt;
}

std::optional<double> linear_probe_r2(const Tensor& x, const Tensor& y, const RidgeOptions& options) {
  return r2_score(linear_prediction(x, y, x, options), y);
}

std::optional<double> linear_probe_r2(const Tensor& train_x, const Tensor& train_y, const Tensor& test_x,
                                      const Tensor& test_y, const RidgeOptions& options) {
  check_rows("test y", test_y, test_x);
  return r2_score(linear_prediction(train_x, train_y, test_x, options), test_y);
}

const OpInfo& linear_probe_r2_info() {
  static const OpInfo info{
      .name = "linear_probe_r2",
      .formula = formula,
      .inputs = {{"x", "(N, p)", Kind::constant}, {"y", "(N, q)", Kind::constant}},
      .params = {{"ridge", 0.0, "weight of the penalty"}, {"standardised", false, "x in units of its own spread"}},
      .samples = {{"least_squares", {normal(9, 3), normal(9, 2)}},
                  {"ridge", {normal(9, 3), normal(9, 2)}, {{"ridge", 1.0}}},
                  {"units", {normal(9, 3), normal(9, 2)}, {{"ridge", 1.0}, {"standardised", true}}}},
      .errors = {{{"rows", {normal(6, 2), normal(5, 2)}},
                  "[linear_probe_r2] y (5, 2) must be (N, q) with the N of x, got (6, 2)"},
                 {{"constant", {normal(6, 2), fill(2, {6, 1})}}, "[linear_probe_r2] is undefined: y is constant"},
                 {{"ridge", {normal(6, 2), normal(6, 2)}, {{"ridge", -1.0}}},
                  "[linear_probe_r2] ridge must be at least 0, got -1.000000"}},
      .apply = [](const Call& c) -> Outputs {
        const RidgeOptions o{c.number("ridge"), c.flag("standardised")};
        return {number(c, defined(linear_probe_r2(c[0].value(), c[1].value(), o), name, "y is constant"))};
      }};
  return info;
}

}  // namespace triptych::metrics

#include "metrics/held_out_cca.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/dense_solver.h"
#include "metrics/dense.h"

namespace triptych::metrics {
namespace {

constexpr const char* name = "held_out_cca";

struct Covariances {
  Matrix aa, ab, bb;
};

void check(const char* argument, const Tensor& t) {
  if (!t || t.dtype() == DType::i32 || t.shape().rank() != 2 || t.shape()[0] < 2 || t.shape()[1] < 1)
    refuse(name, argument, t, "a float array (n, d) with n >= 2");
}

// Rows [from, from + count) in double.
Matrix rows_of(const Tensor& t, std::int64_t from, std::int64_t count) {
  const std::int64_t d = t.shape()[1];
  using Single = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  if (t.dtype() == DType::f32) return Eigen::Map<const Single>(t.data<float>() + from * d, count, d).cast<double>();
  return Eigen::Map<const Matrix>(t.data<double>() + from * d, count, d);
}

// Piece by piece: the doubles of a whole set of codes would be the largest thing in memory.
Covariances covariances(const Tensor& a, const Tensor& b) {
  constexpr std::int64_t piece = 2048;
  const std::int64_t n = a.shape()[0];
  const auto each = [&](auto&& f) {
    for (std::int64_t from = 0; from < n; from += piece) {
      const std::int64_t count = std::min(piece, n - from);
      f(rows_of(a, from, count), rows_of(b, from, count));
    }
  };
  Vector mean_a = Vector::Zero(a.shape()[1]), mean_b = Vector::Zero(b.shape()[1]);
  each([&](const Matrix& x, const Matrix& y) {
    mean_a += x.colwise().sum().transpose() / static_cast<double>(n);
    mean_b += y.colwise().sum().transpose() / static_cast<double>(n);
  });
  if (!mean_a.allFinite()) refuse(name, "a", a, "finite");
  if (!mean_b.allFinite()) refuse(name, "b", b, "finite");
  Covariances c{Matrix::Zero(mean_a.size(), mean_a.size()), Matrix::Zero(mean_a.size(), mean_b.size()),
                Matrix::Zero(mean_b.size(), mean_b.size())};
  each([&](Matrix x, Matrix y) {
    x.rowwise() -= mean_a.transpose();
    y.rowwise() -= mean_b.transpose();
    c.aa.noalias() += x.transpose() * x;
    c.ab.noalias() += x.transpose() * y;
    c.bb.noalias() += y.transpose() * y;
  });
  for (Matrix* m : {&c.aa, &c.ab, &c.bb}) *m /= static_cast<double>(n - 1);
  return c;
}

Matrix matrix(const Tensor& t) { return Eigen::Map<const Matrix>(t.data<double>(), t.shape()[0], t.shape()[1]); }

// (S + r tr(S) / d I)^(-1/2); null where S is 0.
Tensor whitening(Matrix s, double r) {
  const double ridge = r * s.trace() / static_cast<double>(s.rows());
  if (!(s.trace() > 0)) return {};
  s.diagonal().array() += ridge;
  return inverse_square_root(as_tensor(s));
}

std::vector<double> correlations(const Covariances& c, const Matrix& wa, const Matrix& wb, double& total) {
  std::vector<double> all;
  total = 0;
  for (Eigen::Index i = 0; i < wa.cols(); ++i) {
    const Vector u = wa.col(i), v = wb.col(i);
    const double scale = std::sqrt(u.dot(c.aa * u) * v.dot(c.bb * v));
    all.push_back(scale > 0 ? u.dot(c.ab * v) / scale : 0);
    total += all.back();
  }
  return all;
}

}  // namespace

HeldOutCca held_out_cca(const Tensor& train_a, const Tensor& train_b, const Tensor& test_a, const Tensor& test_b,
                        std::int64_t components, double r) {
  check("train_a", train_a);
  check("train_b", train_b);
  check("test_a", test_a);
  check("test_b", test_b);
  for (const auto& [argument, t, like, axis] :
       {std::tuple("train_b", &train_b, &train_a, 0), std::tuple("test_b", &test_b, &test_a, 0),
        std::tuple("test_a", &test_a, &train_a, 1), std::tuple("test_b", &test_b, &train_b, 1)})
    if (t->shape()[axis] != like->shape()[axis])
      refuse(name, argument, *t, axis == 0 ? "of as many rows" : "of as many columns", like->shape().text());
  const Covariances train = covariances(train_a, train_b), test = covariances(test_a, test_b);
  const Tensor root_a = whitening(train.aa, r), root_b = whitening(train.bb, r);
  if (!root_a || !root_b) return {};
  const auto [u, s, v] = svd(as_tensor(matrix(root_a) * train.ab * matrix(root_b)));
  const auto k = std::min<Eigen::Index>(s.size(), components);
  const Matrix wa = matrix(root_a) * matrix(u).leftCols(k), wb = matrix(root_b) * matrix(v).leftCols(k);
  HeldOutCca result;
  result.train = correlations(train, wa, wb, result.train_total);
  result.test = correlations(test, wa, wb, result.test_total);
  return result;
}

}  // namespace triptych::metrics

#include "core/dense_solver.h"

#include <cmath>
#include <limits>

#define EIGEN_DONT_PARALLELIZE  // its threads would change the bits
#include <Eigen/Eigenvalues>
#include <Eigen/SVD>

namespace triptych {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Eigen::Map<Matrix> map(const Tensor& t) {
  return {t.data<double>(), t.shape()[0], t.shape().rank() == 2 ? t.shape()[1] : 1};
}

Tensor tensor(Shape shape, const Eigen::Ref<const Eigen::MatrixXd>& m) {
  Tensor t(shape, DType::f64);
  map(t) = m;
  return t;
}

}  // namespace

Tensor inverse_square_root(const Tensor& s) {
  const std::int64_t d = s.shape()[0];
  if (!map(s).allFinite()) return Tensor::full(s.shape(), DType::f64, nan);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(map(s));
  const Eigen::VectorXd& l = eigen.eigenvalues();
  if (!(l(0) > static_cast<double>(d) * std::numeric_limits<double>::epsilon() * l(d - 1))) return {};
  return tensor(s.shape(),
                eigen.eigenvectors() * l.cwiseSqrt().cwiseInverse().asDiagonal() * eigen.eigenvectors().transpose());
}

Svd svd(const Tensor& a) {
  const std::int64_t m = a.shape()[0], n = a.shape()[1], k = std::min(m, n);
  if (!map(a).allFinite())
    return {Tensor::full({m, k}, DType::f64, nan), Tensor::full({k}, DType::f64, nan),
            Tensor::full({n, k}, DType::f64, nan)};
  const Eigen::BDCSVD<Eigen::MatrixXd> parts(map(a), Eigen::ComputeThinU | Eigen::ComputeThinV);
  return {tensor({m, k}, parts.matrixU()), tensor({k}, parts.singularValues()), tensor({n, k}, parts.matrixV())};
}

}  // namespace triptych

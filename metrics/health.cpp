#include "metrics/health.h"

#include <cmath>

#include "metrics/dense.h"  // before the rest of Eigen: it sets Eigen up

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>

namespace triptych::metrics {
namespace {

// Singular values from the triangular factor: the roots of the Gram matrix's eigenvalues would lose the small ones.
Vector singular_values(const Matrix& z) {
  const Eigen::MatrixXd tall = z.rows() >= z.cols() ? Eigen::MatrixXd(z) : Eigen::MatrixXd(z.transpose());
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(tall);
  const Eigen::MatrixXd r = qr.matrixQR().topRows(tall.cols()).triangularView<Eigen::Upper>();
  return Eigen::BDCSVD<Eigen::MatrixXd>(r).singularValues();
}

Eigen::MatrixXd small_gram(const Matrix& z) {
  return z.rows() >= z.cols() ? Eigen::MatrixXd(z.transpose() * z) : Eigen::MatrixXd(z * z.transpose());
}

}  // namespace

std::optional<double> effective_rank(const Tensor& z, bool centre) {
  const Matrix given = checked_matrix("effective_rank", "z", z);
  const Vector s = singular_values(centre ? centred(given) : given);
  const double sum = s.sum();
  if (sum == 0) return std::nullopt;
  double entropy = 0;
  for (const double each : s)
    if (each > 0) entropy -= each / sum * std::log(each / sum);
  return std::exp(entropy);
}

std::optional<double> participation_ratio(const Tensor& z) {
  const Eigen::MatrixXd gram = small_gram(centred(checked_matrix("participation_ratio", "z", z)));
  if (gram.trace() == 0) return std::nullopt;
  return std::pow(gram.trace() / gram.norm(), 2);
}

std::optional<double> stable_rank(const Tensor& z) {
  const Eigen::MatrixXd gram = small_gram(checked_matrix("stable_rank", "z", z));
  if (gram.trace() == 0) return std::nullopt;
  return gram.trace() /
         Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(gram, Eigen::EigenvaluesOnly).eigenvalues().maxCoeff();
}

}  // namespace triptych::metrics

#include "metrics/cka.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "metrics/dense.h"

namespace triptych::metrics {
namespace {

// <K', L'> of two linear kernels from centred codes, without forming them. Rounding can leave a debiased norm that is 0
// in exact arithmetic slightly off 0; what is below 1e-12 of the term it was subtracted from is 0.
double linear_product(const Matrix& a, const Matrix& b, CkaEstimator estimator) {
  const double biased = (a.transpose() * b).squaredNorm();
  if (estimator == CkaEstimator::biased) return biased;
  const double n = static_cast<double>(a.rows());
  const Vector p = a.rowwise().squaredNorm(), q = b.rowwise().squaredNorm();
  const double value = biased - n / (n - 2) * p.dot(q) + p.sum() * q.sum() / ((n - 1) * (n - 2));
  return std::abs(value) <= 1e-12 * p.sum() * q.sum() ? 0 : value;
}

// a's kernel; nothing when its median distance is 0.
std::optional<Matrix> rbf_kernel(const Matrix& a, std::optional<double> threshold) {
  const Eigen::Index n = a.rows();
  Matrix d = -2 * (a * a.transpose());
  const Vector p = a.rowwise().squaredNorm();
  d.colwise() += p;
  d.rowwise() += p.transpose();
  d = d.cwiseMax(0);
  d.diagonal().setZero();

  std::vector<double> sorted;
  if (threshold) {
    sorted.assign(d.data(), d.data() + d.size());
  } else {
    for (Eigen::Index i = 0; i < n; ++i)
      for (Eigen::Index j = i + 1; j < n; ++j) sorted.push_back(d(i, j));
  }
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const double below = sorted.size() % 2 ? *middle : *std::max_element(sorted.begin(), middle);
  const double median = (below + *middle) / 2;
  if (median <= 1e-13 * p.maxCoeff()) return std::nullopt;  // equal rows are apart by rounding only
  const double s = threshold ? 2 * *threshold * *threshold * median : median;
  return Matrix((d.array() / -s).exp());
}

void centre(Matrix& k, CkaEstimator estimator) {
  const double n = static_cast<double>(k.rows());
  if (estimator == CkaEstimator::debiased) {
    k.diagonal().setZero();
    Vector mean = k.rowwise().sum() / (n - 2);
    mean.array() -= mean.sum() / (2 * (n - 1));
    k.colwise() -= mean;
    k.rowwise() -= mean.transpose();
    k.diagonal().setZero();
  } else {
    const Vector mean = k.rowwise().mean();
    const double all = mean.mean();
    k.colwise() -= mean;
    k.rowwise() -= mean.transpose();
    k.array() += all;
  }
  if (k.norm() <= 1e-13 * n) k.setZero();  // of a kernel whose entries are at most 1
}

}  // namespace

void MinibatchCka::add(const Tensor& a, const Tensor& b) {
  const Matrix x = centred(checked_matrix("cka", "a", a)), y = centred(checked_matrix("cka", "b", b));
  const bool debiased = options_.estimator == CkaEstimator::debiased;
  if (x.rows() != y.rows()) refuse("cka", "b", b, "(N, q) with the N of a", a.shape().text());
  if (x.rows() < (debiased ? 4 : 2))
    refuse("cka", "a", a, debiased ? "(N, p) with N at least 4" : "(N, p) with N at least 2");
  if (options_.threshold && !(*options_.threshold > 0))
    throw Error(Exit::input, "cka.argument",
                "[cka] threshold must be positive, got " + std::to_string(*options_.threshold));

  const double n = static_cast<double>(x.rows());
  const double scale = 1 / (debiased ? n * (n - 3) : (n - 1) * (n - 1));
  if (options_.kernel == CkaKernel::linear) {
    ab_ += scale * linear_product(x, y, options_.estimator);
    aa_ += scale * linear_product(x, x, options_.estimator);
    bb_ += scale * linear_product(y, y, options_.estimator);
    return;
  }
  std::optional<Matrix> k = rbf_kernel(x, options_.threshold), l = rbf_kernel(y, options_.threshold);
  if (!k || !l) return;  // a batch without a bandwidth has nothing to add
  centre(*k, options_.estimator);
  centre(*l, options_.estimator);
  ab_ += scale * k->cwiseProduct(*l).sum();
  aa_ += scale * k->squaredNorm();
  bb_ += scale * l->squaredNorm();
}

std::optional<double> MinibatchCka::value() const {
  if (!(aa_ > 0 && bb_ > 0)) return std::nullopt;
  return ab_ / (std::sqrt(aa_) * std::sqrt(bb_));
}

std::optional<double> cka(const Tensor& a, const Tensor& b, const CkaOptions& options) {
  MinibatchCka one(options);
  one.add(a, b);
  return one.value();
}

}  // namespace triptych::metrics

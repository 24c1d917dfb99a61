#include "ops/naive.h"

#include <cmath>

namespace triptych::naive {
namespace {

// f(row number, the row's values in place) for every row of x.
template <class F>
Var each_row(const Var& x, F&& f) {
  const std::int64_t d = x.shape().back(), rows = x.shape().rows();
  Tensor y(x.shape(), x.dtype());
  std::vector<double> row(static_cast<std::size_t>(d));
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < d; ++j) row[static_cast<std::size_t>(j)] = x.value().at(i * d + j);
    f(i, row);
    for (std::int64_t j = 0; j < d; ++j) y.set(i * d + j, row[static_cast<std::size_t>(j)]);
  }
  return x.tape().constant(y);
}

}  // namespace

// By pairs, log(1 + sum of e^{z_j - z_target} over the others): another route than log-sum-exp with the maximum out.
Var cross_entropy(const Var& logits, const Var& target) {
  const std::int64_t n = logits.shape()[0], c = logits.shape()[1];
  double total = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto t = static_cast<std::int64_t>(target.value().at(i));
    double others = 0;
    for (std::int64_t j = 0; j < c; ++j)
      if (j != t) others += std::exp(logits.value().at(i * c + j) - logits.value().at(i * c + t));
    total += std::log1p(others);
  }
  return logits.tape().constant(Tensor::scalar(total / static_cast<double>(n), logits.dtype()));
}

Var layer_norm(const Var& x, const Var& gamma, const Var& beta, double eps) {
  return each_row(x, [&](std::int64_t, std::vector<double>& row) {
    const auto d = static_cast<double>(row.size());
    double mean = 0, variance = 0;
    for (const double v : row) mean += v / d;
    for (const double v : row) variance += (v - mean) * (v - mean) / d;
    for (std::size_t j = 0; j < row.size(); ++j) {
      const auto at = static_cast<std::int64_t>(j);
      row[j] = gamma.value().at(at) * (row[j] - mean) / std::sqrt(variance + eps) + beta.value().at(at);
    }
  });
}

// Minus the logarithm of the sum of e^{x_k - x_j}.
Var log_softmax(const Var& x) {
  return each_row(x, [](std::int64_t, std::vector<double>& row) {
    const std::vector<double> in = row;
    for (std::size_t j = 0; j < row.size(); ++j) {
      double total = 0;
      for (const double v : in) total += std::exp(v - in[j]);
      row[j] = -std::log(total);
    }
  });
}

Var row_normalise(const Var& x, double eps) {
  return each_row(x, [&](std::int64_t, std::vector<double>& row) {
    double square = 0;
    for (const double v : row) square += v * v;
    for (double& v : row) v /= std::max(std::sqrt(square), eps);
  });
}

// 1 / sum of e^{x_k - x_j} over the real k.
Var softmax(const Var& x, const Var& mask) {
  const std::int64_t rows_per_mask = mask ? x.shape().rows() / mask.shape()[0] : 1;
  return each_row(x, [&](std::int64_t i, std::vector<double>& row) {
    const auto real = [&](std::size_t j) {
      const auto at = i / rows_per_mask * static_cast<std::int64_t>(row.size()) + static_cast<std::int64_t>(j);
      return !mask || mask.value().at(at) != 0;
    };
    const std::vector<double> in = row;
    for (std::size_t j = 0; j < row.size(); ++j) {
      double total = 0;
      for (std::size_t k = 0; k < row.size(); ++k)
        if (real(k)) total += std::exp(in[k] - in[j]);
      row[j] = real(j) ? 1 / total : 0;
    }
  });
}

}  // namespace triptych::naive

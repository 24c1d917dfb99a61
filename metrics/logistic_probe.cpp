#include "metrics/logistic_probe.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <set>

#include "backends/cpu/parallel.h"
#include "core/error.h"
#include "metrics/dense.h"  // before the rest of Eigen: it sets Eigen up

#include <Eigen/Cholesky>

namespace triptych::metrics {
namespace {

using Labels = std::span<const std::int32_t>;
using Logits = Eigen::ArrayXXd;  // (rows, classes) by column, so that softmax runs along memory

constexpr std::int64_t tile = 512;  // rows; the tile's codes stay in cache between the two products
constexpr double tolerance = 1e-7;
constexpr int most_iterations = 1000;
constexpr std::size_t memory = 10;

// The objective divided by c N, so that it is a mean cross-entropy plus decay / 2 |W|^2.
struct Problem {
  Matrix x;            // (N, d) standardised
  std::vector<int> y;  // class of each row, 0 ... classes - 1
  int classes;
  double decay;

  // w (d + 1, classes): W with b as its last row.
  double value_and_gradient(const Matrix& w, Matrix& gradient) const;
};

Logits logits(const Matrix& x, std::int64_t begin, std::int64_t rows, const Matrix& w) {
  Logits z = (x.middleRows(begin, rows) * w.topRows(x.cols())).array();
  z.rowwise() += w.row(x.cols()).array();
  return z;
}

// Turns logits into probabilities; returns log(sum(exp(logits))) of each row.
Eigen::ArrayXd softmax(Logits& z) {
  const Eigen::ArrayXd largest = z.rowwise().maxCoeff();
  z = (z.colwise() - largest).exp();
  const Eigen::ArrayXd sum = z.rowwise().sum();
  z.colwise() /= sum;
  return largest + sum.log();
}

double Problem::value_and_gradient(const Matrix& w, Matrix& gradient) const {
  const std::int64_t n = x.rows(), d = x.cols();
  struct Part {
    double loss = 0;
    Matrix gradient;
  };
  std::vector<Part> parts(static_cast<std::size_t>((n + tile - 1) / tile));
  cpu::parallel_tiles(n, tile, n * d, [&](std::int64_t begin, std::int64_t end) {
    Part& part = parts[static_cast<std::size_t>(begin / tile)];
    Logits p = logits(x, begin, end - begin, w);
    for (std::int64_t i = begin; i < end; ++i) part.loss -= p(i - begin, y[static_cast<std::size_t>(i)]);
    part.loss += softmax(p).sum();
    for (std::int64_t i = begin; i < end; ++i) p(i - begin, y[static_cast<std::size_t>(i)]) -= 1;
    part.gradient.resize(d + 1, classes);
    part.gradient.topRows(d).noalias() = x.middleRows(begin, end - begin).transpose() * p.matrix();
    part.gradient.row(d) = p.colwise().sum().matrix();
  });
  double loss = 0;  // parts are added in index order: the same bits for any number of threads
  gradient = Matrix::Zero(d + 1, classes);
  for (const Part& part : parts) {
    loss += part.loss;
    gradient += part.gradient;
  }
  gradient /= static_cast<double>(n);
  gradient.topRows(d) += decay * w.topRows(d);
  return loss / static_cast<double>(n) + 0.5 * decay * w.topRows(d).squaredNorm();
}

double dot(const Matrix& a, const Matrix& b) { return a.cwiseProduct(b).sum(); }

// L-BFGS started from the exact inverse Hessian at W = 0, which is one (d, d) system for all classes because x is
// centred: (x^T x / (classes N) + decay I) for W and 1 / classes for b. Correlated codes then cost no more iterations
// than white ones.
struct Fit {
  Matrix w;
  int iterations = 0;
};

Fit minimise(const Problem& p) {
  const std::int64_t n = p.x.rows(), d = p.x.cols();
  Matrix hessian = p.x.transpose() * p.x / static_cast<double>(n * p.classes);
  hessian.diagonal().array() += p.decay;
  const Eigen::LLT<Matrix> factor(hessian);
  const auto precondition = [&](Matrix g) {
    g.topRows(d) = factor.solve(g.topRows(d)).eval();
    g.row(d) *= p.classes;
    return g;
  };

  struct Pair {
    Matrix step, change;
    double rho;
  };
  std::deque<Pair> pairs;
  double scale = 1;
  Fit fit{.w = Matrix::Zero(d + 1, p.classes)};
  Matrix gradient, next_gradient;
  double value = p.value_and_gradient(fit.w, gradient);
  for (; gradient.lpNorm<Eigen::Infinity>() > tolerance && fit.iterations < most_iterations; ++fit.iterations) {
    Matrix direction = -gradient;
    std::vector<double> alpha;
    for (auto pair = pairs.rbegin(); pair != pairs.rend(); ++pair) {
      alpha.push_back(pair->rho * dot(pair->step, direction));
      direction -= alpha.back() * pair->change;
    }
    direction = scale * precondition(direction);
    for (const Pair& pair : pairs) {
      direction += (alpha.back() - pair.rho * dot(pair.change, direction)) * pair.step;
      alpha.pop_back();
    }

    const double slope = dot(gradient, direction);
    double length = 1, next_value = 0;
    Matrix next;
    for (; length > 1e-10; length /= 2) {  // Armijo; the curvature condition holds by strict convexity
      next = fit.w + length * direction;
      next_value = p.value_and_gradient(next, next_gradient);
      if (next_value <= value + 1e-4 * length * slope) break;
    }
    if (length <= 1e-10) break;  // rounding: no smaller value can be told apart

    Pair pair{next - fit.w, next_gradient - gradient, 0};
    const double curvature = dot(pair.step, pair.change);
    if (curvature > 0) {
      pair.rho = 1 / curvature;
      scale = curvature / dot(pair.change, precondition(pair.change));
      pairs.push_back(std::move(pair));
      if (pairs.size() > memory) pairs.pop_front();
    }
    fit.w = std::move(next);
    gradient.swap(next_gradient);
    value = next_value;
  }
  return fit;
}

void check_labels(const char* argument, const Tensor& codes, Labels labels) {
  if (static_cast<std::int64_t>(labels.size()) != codes.shape()[0])
    refuse("logistic_probe", argument, codes, "(N, d) with one label a row", std::to_string(labels.size()) + " labels");
}

}  // namespace

ProbeScore logistic_probe(const Tensor& train_codes, Labels train_labels, const Tensor& test_codes, Labels test_labels,
                          double c) {
  Matrix train = checked_matrix("logistic_probe", "train_codes", train_codes);
  Matrix test = checked_matrix("logistic_probe", "test_codes", test_codes);
  if (train.cols() != test.cols())
    refuse("logistic_probe", "test_codes", test_codes, "(n, d) with d of train_codes", train_codes.shape().text());
  check_labels("train_codes", train_codes, train_labels);
  check_labels("test_codes", test_codes, test_labels);
  const std::set<std::int32_t> distinct(train_labels.begin(), train_labels.end());
  const auto usage = [](const std::string& text) {
    return Error(Exit::input, "logistic_probe.argument", "[logistic_probe] " + text);
  };
  if (distinct.size() < 2)
    throw usage("train_labels must hold at least 2 classes, got " + std::to_string(distinct.size()));
  if (!(c > 0)) throw usage("c must be positive, got " + std::to_string(c));

  std::map<std::int32_t, int> index;
  for (const std::int32_t label : distinct) index.emplace(label, static_cast<int>(index.size()));
  const int classes = static_cast<int>(index.size());
  standardise(train, test);
  Problem problem{.x = std::move(train), .y = {}, .classes = classes, .decay = 0};
  for (const std::int32_t label : train_labels) problem.y.push_back(index[label]);
  problem.decay = (classes == 2 ? 2 : 1) / (c * static_cast<double>(problem.x.rows()));
  const Fit fit = minimise(problem);

  ProbeScore score{.chance = 1.0 / classes, .n = test.rows(), .classes = classes, .iterations = fit.iterations};
  Logits z = logits(test, 0, test.rows(), fit.w);
  const Logits raw = z;
  const Eigen::ArrayXd log_sum = softmax(z);
  std::map<std::int32_t, std::int64_t> counts;
  std::int64_t right = 0, most = 0;
  for (std::int64_t i = 0; i < score.n; ++i) {
    const std::int32_t label = test_labels[static_cast<std::size_t>(i)];
    most = std::max(most, ++counts[label]);
    const auto known = index.find(label);
    Eigen::Index best = 0;
    raw.row(i).maxCoeff(&best);
    right += known != index.end() && known->second == best;
    score.cross_entropy +=
        known == index.end() ? std::numeric_limits<double>::infinity() : log_sum(i) - raw(i, known->second);
  }
  const double n = static_cast<double>(score.n);
  score.cross_entropy /= n;
  score.accuracy = static_cast<double>(right) / n;
  score.majority = static_cast<double>(most) / n;
  return score;
}

}  // namespace triptych::metrics

#include "metrics/logistic_probe.h"

#include "backends/cpu/parallel.h"
#include "core/error.h"
#include "metrics/lbfgs.h"  // before the rest of Eigen: it sets Eigen up
#include "metrics/probe_answer.h"

#include <Eigen/Cholesky>

namespace triptych::metrics {
namespace {

constexpr std::string_view formula = R"(
logistic_probe: train_x (N, d), train_y (N) int32, test_x (n, d), test_y (n) int32
                ->  value (), low (), high (), chance (), above_chance ()

  measures  what a linear classifier can read of a label from a code: fitted on train rows, scored on test rows
  forward   x~ = (x - mean) / std of the train rows (std divides by N); a constant column is only centred
            minimise c sum_i -log softmax(x~_i W + b)_{y_i} + 1/2 |W|^2 (two classes: |W|^2), b is not penalised
            value = accuracy = #{ i in test : argmax_k (x~_i W + b)_k = y_i } / n, the lowest class on a tie
            low, high: Wilson's 95 % interval for n independent rows;   above_chance = max(0, (value - chance) / (1 - chance))
  chance    1 / classes, or the share of the most frequent test label where that is more
  misleads  what a linear map cannot read may still be there: see mlp_probe. Rows that belong together (views of one item)
            are fewer samples than rows: the interval is then too narrow
  solver    L-BFGS until the largest gradient entry of (objective / c N) is below 1e-7
  source    scikit-learn's StandardScaler + LogisticRegression(C = c), the same optimum; Alain, Bengio 2016,
            arXiv 1610.01644 (probes); Cohen 1960 (chance correction); Wilson 1927
)";

constexpr std::int64_t tile = 512;  // rows; the tile's codes stay in cache between the two products

// The objective divided by c N, so that it is a mean cross-entropy plus decay / 2 |W|^2.
struct Problem {
  const Matrix& x;            // (N, d) standardised
  const std::vector<int>& y;  // class of each row, 0 ... classes - 1
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

// Started from the exact inverse Hessian at W = 0, which is one (d, d) system for all classes because x is centred:
// (x^T x / (classes N) + decay I) for W and 1 / classes for b. Correlated codes then cost no more iterations than white
// ones. Steps are halved until the value falls enough; the curvature condition holds by strict convexity.
Minimum minimise(const Problem& p) {
  const std::int64_t n = p.x.rows(), d = p.x.cols();
  Matrix hessian = p.x.transpose() * p.x / static_cast<double>(n * p.classes);
  hessian.diagonal().array() += p.decay;
  const Eigen::LLT<Matrix> factor(hessian);
  Objective o;
  o.value_and_gradient = [&](const Matrix& w, Matrix& gradient) { return p.value_and_gradient(w, gradient); };
  o.precondition = [&](Matrix g) {
    g.topRows(d) = factor.solve(g.topRows(d)).eval();
    g.row(d) *= p.classes;
    return g;
  };
  return minimise(o, Matrix::Zero(d + 1, p.classes));
}

}  // namespace

ProbeScore logistic_probe(const Tensor& train_codes, Labels train_labels, const Tensor& test_codes, Labels test_labels,
                          double c) {
  const ClassTask task = class_task("logistic_probe", train_codes, train_labels, test_codes, test_labels);
  if (!(c > 0))
    throw Error(Exit::input, "logistic_probe.argument",
                "[logistic_probe] c must be positive, got " + std::to_string(c));
  const double decay = (task.classes() == 2 ? 2 : 1) / (c * static_cast<double>(task.train.rows()));
  const Minimum fit = minimise(Problem{task.train, task.y, task.classes(), decay});
  ProbeScore score = scored(task, logits(task.test, 0, task.test.rows(), fit.w), test_labels);
  score.iterations = fit.iterations;
  return score;
}

const OpInfo& logistic_probe_info() {
  static const OpInfo info{
      .name = "logistic_probe",
      .formula = formula,
      .inputs = {{"train_x", "(N, d)", Kind::constant},
                 {"train_y", "(N)", Kind::index},
                 {"test_x", "(n, d)", Kind::constant},
                 {"test_y", "(n)", Kind::index}},
      .params = {{"c", 0.1, "weight of the fit against the penalty"}},
      .samples = {{"three_classes",
                   {normal(9, 2), list({9}, {0, 1, 2, 0, 1, 2, 0, 1, 2}), normal(4, 2), list({4}, {0, 1, 2, 0})}}},
      .errors = {{{"one_class", {normal(4, 2), list({4}, {1, 1, 1, 1}), normal(2, 2), list({2}, {1, 1})}},
                  "[logistic_probe] train_labels must hold at least 2 classes, got 1"},
                 {{"widths", {normal(4, 2), list({4}, {0, 1, 0, 1}), normal(2, 3), list({2}, {1, 1})}},
                  "[logistic_probe] test_codes (2, 3) must be (n, d) with d of train_codes, got (4, 2)"}},
      .apply = [](const Call& c) -> Outputs {
        return probe_outputs(
            c, logistic_probe(c[0].value(), labels_of(c[1]), c[2].value(), labels_of(c[3]), c.number("c")));
      },
      .outputs = {"value", "low", "high", "chance", "above_chance"}};
  return info;
}

}  // namespace triptych::metrics

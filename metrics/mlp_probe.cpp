#include "metrics/mlp_probe.h"

#include <cmath>

#include "backends/cpu/parallel.h"
#include "core/error.h"
#include "core/rng.h"
#include "metrics/lbfgs.h"
#include "metrics/probe_answer.h"
#include "metrics/ridge_probe.h"

namespace triptych::metrics {
namespace {

constexpr std::string_view formula = R"(
mlp_probe: train_x (N, d), train_y (N) int32, test_x (n, d), test_y (n) int32
           ->  value (), low (), high (), chance (), above_chance ()

  measures  what a small network can read of a label from a code: fitted on train rows, scored on test rows
  forward   x~ standardised on the train rows;   z = tanh(x~ W_1 + b_1) W_2 + b_2,  W_1 (d, hidden), W_2 (hidden, classes)
            minimise mean_i -log softmax(z_i)_{y_i} + decay / 2 (|W_1|^2 + |W_2|^2) over four fifths of the train rows by
            L-BFGS (at most 200 steps); the weights that do best on the other fifth are kept
            value, low, high, above_chance: as logistic_probe
  chance    1 / classes, or the share of the most frequent test label where that is more
  misleads  a lower bound: more rows or units may read more. Where it beats the linear probe the code holds the factor in
            a bent form, which a linear head downstream does not get
  source    Alain, Bengio 2016, arXiv 1610.01644; Pimentel et al. 2020, arXiv 2004.03061 (why a linear probe is not enough)
)";

constexpr std::string_view r2_formula = R"(
mlp_probe_r2: train_x (N, p), train_y (N, q), test_x (n, p), test_y (n, q)  ->  value ()

  measures  how much of y's variance a small network explains from x, on rows it was not fitted on
  forward   the network of mlp_probe with loss 1/2 mean (z - y~)^2, y~ standardised on the train rows;
            value = mean over targets of 1 - SSE / SST on the test rows
  chance    0, and often a little below
  misleads  as mlp_probe
  edge      a target that is constant on the test rows is left out; undefined when that leaves none
  source    as mlp_probe
)";

constexpr std::int64_t tile = 512;  // rows
constexpr int most_iterations = 200, patience = 20;

// One hidden layer; its weights lie in one column: W_1, b_1, W_2, b_2.
struct Net {
  Eigen::Index d, hidden, k;
  bool classes;  // softmax cross-entropy, else squared error
  double decay;

  using Map = Eigen::Map<const Matrix>;
  Eigen::Index size() const { return (d + 1) * hidden + (hidden + 1) * k; }
  Map first(const Matrix& w) const { return {w.data(), d + 1, hidden}; }
  Map second(const Matrix& w) const { return {w.data() + (d + 1) * hidden, hidden + 1, k}; }

  Matrix units(const Matrix& x, const Matrix& w) const {
    Matrix h = x * first(w).topRows(d);
    h.rowwise() += first(w).row(d);
    return h.array().tanh();
  }
  Matrix outputs(const Matrix& h, const Matrix& w) const {
    Matrix z = h * second(w).topRows(hidden);
    z.rowwise() += second(w).row(hidden);
    return z;
  }
  // Sum of the losses of rows; z becomes dloss/dz.
  double loss(Matrix& z, const Matrix& target) const {
    if (!classes) {
      z -= target;
      return 0.5 * z.squaredNorm();
    }
    Logits p = z.array();
    const Eigen::ArrayXd log_sum = softmax(p);
    const double value = log_sum.sum() - z.cwiseProduct(target).sum();
    z = p.matrix() - target;
    return value;
  }
  double mean_loss(const Matrix& x, const Matrix& target, const Matrix& w) const {
    Matrix z = outputs(units(x, w), w);
    return loss(z, target) / static_cast<double>(x.rows());
  }
  double value_and_gradient(const Matrix& x, const Matrix& target, const Matrix& w, Matrix& gradient) const;
};

double Net::value_and_gradient(const Matrix& x, const Matrix& target, const Matrix& w, Matrix& gradient) const {
  const Eigen::Index n = x.rows();
  struct Part {
    double loss = 0;
    Matrix gradient;
  };
  std::vector<Part> parts(static_cast<std::size_t>((n + tile - 1) / tile));
  cpu::parallel_tiles(n, tile, n * d * hidden, [&](std::int64_t begin, std::int64_t end) {
    Part& part = parts[static_cast<std::size_t>(begin / tile)];
    const Matrix rows = x.middleRows(begin, end - begin), h = units(rows, w);
    Matrix z = outputs(h, w);
    part.loss = loss(z, target.middleRows(begin, end - begin));
    part.gradient.resize(size(), 1);
    Eigen::Map<Matrix> g1(part.gradient.data(), d + 1, hidden);
    Eigen::Map<Matrix> g2(part.gradient.data() + (d + 1) * hidden, hidden + 1, k);
    g2.topRows(hidden).noalias() = h.transpose() * z;
    g2.row(hidden) = z.colwise().sum();
    const Matrix back = (z * second(w).topRows(hidden).transpose()).array() * (1 - h.array().square());
    g1.topRows(d).noalias() = rows.transpose() * back;
    g1.row(d) = back.colwise().sum();
  });
  double value = 0;  // parts are added in index order: the same bits for any number of threads
  gradient = Matrix::Zero(size(), 1);
  for (const Part& part : parts) {
    value += part.loss;
    gradient += part.gradient;
  }
  gradient /= static_cast<double>(n);
  Eigen::Map<Matrix> g1(gradient.data(), d + 1, hidden), g2(gradient.data() + (d + 1) * hidden, hidden + 1, k);
  g1.topRows(d) += decay * first(w).topRows(d);
  g2.topRows(hidden) += decay * second(w).topRows(hidden);
  const double penalty = first(w).topRows(d).squaredNorm() + second(w).topRows(hidden).squaredNorm();
  return value / static_cast<double>(n) + 0.5 * decay * penalty;
}

struct Fitted {
  Net net;
  Minimum best;
  Matrix outputs(const Matrix& x) const { return net.outputs(net.units(x, best.w), best.w); }
};

Matrix picked(const Matrix& x, const std::vector<Eigen::Index>& rows) {
  Matrix out(std::ssize(rows), x.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) out.row(static_cast<Eigen::Index>(i)) = x.row(rows[i]);
  return out;
}

Fitted fit(const Matrix& x, const Matrix& target, bool classes, const MlpOptions& o) {
  Net net{x.cols(), o.hidden, target.cols(), classes, o.decay};
  Rng start(o.seed, 0), split(o.seed, 1);
  Matrix w = Matrix::Zero(net.size(), 1);
  const auto draw = [&](Eigen::Index from, Eigen::Index rows, Eigen::Index cols) {
    for (Eigen::Index i = 0; i < rows * cols; ++i) w(from + i) = start.normal() / std::sqrt(static_cast<double>(rows));
  };
  draw(0, net.d, net.hidden);
  draw((net.d + 1) * net.hidden, net.hidden, net.k);
  std::vector<Eigen::Index> fitted, held;
  for (Eigen::Index i = 0; i < x.rows(); ++i) (split.uniform() < 0.2 ? held : fitted).push_back(i);
  const bool all = fitted.empty() || held.empty();  // too few rows to hold any back
  const Matrix fit_x = all ? x : picked(x, fitted), fit_y = all ? target : picked(target, fitted);
  const Matrix held_x = all ? x : picked(x, held), held_y = all ? target : picked(target, held);

  Minimum best{w};
  double least = net.mean_loss(held_x, held_y, w);
  int since = 0, iterations = 0;
  Objective objective;
  objective.value_and_gradient = [&](const Matrix& at, Matrix& gradient) {
    return net.value_and_gradient(fit_x, fit_y, at, gradient);
  };
  objective.stop = [&](const Matrix& at) {
    ++iterations;
    const double loss = net.mean_loss(held_x, held_y, at);
    since = loss < least ? 0 : since + 1;
    if (since == 0) least = loss, best = {at, iterations};
    return since >= patience;
  };
  objective.most_iterations = most_iterations;
  minimise(objective, w);
  return {net, best};
}

void check(const char* name, const MlpOptions& o) {
  const auto refuse_option = [name](const std::string& text) {
    throw Error(Exit::input, std::string(name) + ".argument", "[" + std::string(name) + "] " + text);
  };
  if (o.hidden < 1) refuse_option("hidden must be at least 1, got " + std::to_string(o.hidden));
  if (!(o.decay >= 0)) refuse_option("decay must be at least 0, got " + std::to_string(o.decay));
}

MlpOptions options_of(const Call& c) {
  return {c.integer("hidden", 1, 4096), c.number("decay"), static_cast<std::uint64_t>(c.integer("seed"))};
}

const std::vector<Param> params = {{"hidden", 32.0, "units of the hidden layer"},
                                   {"decay", 1e-4, "weight decay"},
                                   {"seed", 0.0, "of the starting weights and of the rows held back"}};

}  // namespace

ProbeScore mlp_probe(const Tensor& train_codes, Labels train_labels, const Tensor& test_codes, Labels test_labels,
                     const MlpOptions& options) {
  check("mlp_probe", options);
  const ClassTask task = class_task("mlp_probe", train_codes, train_labels, test_codes, test_labels);
  Matrix one_hot = Matrix::Zero(task.train.rows(), task.classes());
  for (std::size_t i = 0; i < task.y.size(); ++i) one_hot(static_cast<Eigen::Index>(i), task.y[i]) = 1;
  const Fitted f = fit(task.train, one_hot, true, options);
  ProbeScore score = scored(task, f.outputs(task.test).array(), test_labels);
  score.iterations = f.best.iterations;
  return score;
}

Tensor mlp_prediction(const Tensor& train_x, const Tensor& train_y, const Tensor& test_x, const MlpOptions& options) {
  const char* const name = "mlp_probe_r2";
  check(name, options);
  Matrix x = checked_matrix(name, "train_x", train_x), held = checked_matrix(name, "test_x", test_x);
  Matrix y = checked_matrix(name, "train_y", train_y);
  if (y.rows() != x.rows()) refuse(name, "train_y", train_y, "(N, q) with the N of train_x", train_x.shape().text());
  if (held.cols() != x.cols()) refuse(name, "test_x", test_x, "(n, p) with the p of train_x", train_x.shape().text());
  standardise(x, held);
  const Eigen::RowVectorXd mean = y.colwise().mean();
  y.rowwise() -= mean;
  const Eigen::RowVectorXd spread = (y.colwise().squaredNorm() / static_cast<double>(y.rows())).cwiseSqrt();
  const Eigen::RowVectorXd unit = (spread.array() > 0).select(spread, 1);
  y.array().rowwise() /= unit.array();
  Matrix z = fit(x, y, false, options).outputs(held);
  z.array().rowwise() *= unit.array();
  z.rowwise() += mean;
  return as_tensor(z);
}

std::optional<double> mlp_probe_r2(const Tensor& train_x, const Tensor& train_y, const Tensor& test_x,
                                   const Tensor& test_y, const MlpOptions& options) {
  return r2_score(mlp_prediction(train_x, train_y, test_x, options), test_y);
}

const OpInfo& mlp_probe_info() {
  static const OpInfo info{
      .name = "mlp_probe",
      .formula = formula,
      .inputs = {{"train_x", "(N, d)", Kind::constant},
                 {"train_y", "(N)", Kind::index},
                 {"test_x", "(n, d)", Kind::constant},
                 {"test_y", "(n)", Kind::index}},
      .params = params,
      .samples = {{"three_classes",
                   {normal(9, 2), list({9}, {0, 1, 2, 0, 1, 2, 0, 1, 2}), normal(4, 2), list({4}, {0, 1, 2, 0})},
                   {{"hidden", 4.0}}}},
      .errors = {{{"one_class", {normal(4, 2), list({4}, {1, 1, 1, 1}), normal(2, 2), list({2}, {1, 1})}},
                  "[mlp_probe] train_labels must hold at least 2 classes, got 1"}},
      .apply = [](const Call& c) -> Outputs {
        return probe_outputs(c, mlp_probe(c[0].value(), labels_of(c[1]), c[2].value(), labels_of(c[3]), options_of(c)));
      },
      .outputs = {"value", "low", "high", "chance", "above_chance"}};
  return info;
}

const OpInfo& mlp_probe_r2_info() {
  static const OpInfo info{
      .name = "mlp_probe_r2",
      .formula = r2_formula,
      .inputs = {{"train_x", "(N, p)", Kind::constant},
                 {"train_y", "(N, q)", Kind::constant},
                 {"test_x", "(n, p)", Kind::constant},
                 {"test_y", "(n, q)", Kind::constant}},
      .params = params,
      .samples = {{"two_targets", {normal(9, 2), normal(9, 2), normal(5, 2), normal(5, 2)}, {{"hidden", 4.0}}}},
      .errors = {{{"rows", {normal(9, 2), normal(8, 2), normal(5, 2), normal(5, 2)}},
                  "[mlp_probe_r2] train_y (8, 2) must be (N, q) with the N of train_x, got (9, 2)"},
                 {{"constant", {normal(9, 2), normal(9, 1), normal(5, 2), fill(1, {5, 1})}},
                  "[mlp_probe_r2] is undefined: test_y is constant"}},
      .apply = [](const Call& c) -> Outputs {
        const auto r2 = mlp_probe_r2(c[0].value(), c[1].value(), c[2].value(), c[3].value(), options_of(c));
        return {number(c, defined(r2, "mlp_probe_r2", "test_y is constant"))};
      }};
  return info;
}

}  // namespace triptych::metrics

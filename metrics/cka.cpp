#include "metrics/cka.h"

#include <cmath>

#include "core/error.h"
#include "metrics/answer.h"
#include "metrics/kernels.h"  // before the rest of Eigen: it sets Eigen up

#include <Eigen/QR>

namespace triptych::metrics {
namespace {

constexpr std::string_view formula = R"(
cka: a (N, p), b (N, q), threshold () optional  ->  value ()

  measures  how similar two codes of the same samples are, up to rotation and one scale per side: 1 the same, 0 unrelated
  forward   value = <K', L'> / (|K'| |L'|),  K, L the (N, N) kernels of a and b: linear <a_i, a_j>, or rbf
            biased     K' = H K H, H = I - 11^T / N
            debiased   K' = the U-centred kernel (zero diagonal, zero row sums)
            linear     needs no kernel: biased <K', L'> = |Ac^T Bc|_F^2; debiased subtracts N / (N-2) sum_i p_i q_i and adds
                       sum(p) sum(q) / ((N-1)(N-2)), with p_i = |Ac_i|^2, q_i = |Bc_i|^2
            rbf        K_ij = exp(-d_ij / s), d_ij = |a_i - a_j|^2; memory for two (N, N) doubles
                       threshold absent: s = median of d_ij over i < j (the median heuristic of HSIC)
                       threshold f:      s = 2 f^2 median of d_ij over all i, j (Kornblith's form)
  chance    debiased: 0 (and a little below as often as above). biased: near sqrt(p q / ((N-1+p)(N-1+q))), which is
            0.9 for 64 samples of width 512: on few samples a biased CKA says nothing
  misleads  the largest directions decide: two codes that share one loud direction read high. Outliers do the same.
            Not invariant to general invertible maps: see cca. 0 between linear kernels is not independence: see hsic_test
  edge      undefined when a side is constant or, for rbf, when its median distance is 0
  source    Kornblith et al. 2019, arXiv 1905.00414, eq. 2-5; Szekely, Rizzo 2014 (U-centring); Nguyen et al. 2021,
            arXiv 2010.15327, eq. 3 (minibatches)
)";

// <K', L'> of two linear kernels from the biased one, |Ac^T Bc|_F^2, and the squared norms of their rows. Rounding can
// leave a debiased norm that is 0 in exact arithmetic slightly off 0; what is below 1e-12 of the term it was subtracted
// from is 0.
double linear_product(double biased, const Vector& p, const Vector& q, CkaEstimator estimator) {
  if (estimator == CkaEstimator::biased) return biased;
  const double n = static_cast<double>(p.size());
  const double value = biased - n / (n - 2) * p.dot(q) + p.sum() * q.sum() / ((n - 1) * (n - 2));
  return std::abs(value) <= 1e-12 * p.sum() * q.sum() ? 0 : value;
}

// |A^T B|_F^2 = <A A^T, B B^T>: whichever of the two takes fewer multiplications, for all three pairs.
struct SquaredNorms {
  double ab, aa, bb;
};
SquaredNorms squared_norms(const Matrix& a, const Matrix& b) {
  const std::int64_t n = a.rows(), p = a.cols(), q = b.cols();
  if (n * (p + q) >= p * p + p * q + q * q)
    return {(a.transpose() * b).squaredNorm(), (a.transpose() * a).squaredNorm(), (b.transpose() * b).squaredNorm()};
  const Matrix k = a * a.transpose(), l = b * b.transpose();
  return {k.cwiseProduct(l).sum(), k.squaredNorm(), l.squaredNorm()};
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
    const Vector p = x.rowwise().squaredNorm(), q = y.rowwise().squaredNorm();
    const SquaredNorms of = squared_norms(x, y);
    ab_ += scale * linear_product(of.ab, p, q, options_.estimator);
    aa_ += scale * linear_product(of.aa, p, p, options_.estimator);
    bb_ += scale * linear_product(of.bb, q, q, options_.estimator);
    return;
  }
  std::optional<Matrix> k = rbf_kernel(x, options_.threshold), l = rbf_kernel(y, options_.threshold);
  if (!k || !l) return;  // a batch without a bandwidth has nothing to add
  centre_kernel(*k, debiased);
  centre_kernel(*l, debiased);
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

// x^T = Q R, so x x^T = R^T R.
Tensor inner_product_root(const Tensor& x) {
  const Matrix rows = checked_matrix("cka", "a", x);
  if (rows.cols() <= rows.rows()) return as_tensor(rows);
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(Eigen::MatrixXd(rows.transpose()));
  const Eigen::MatrixXd r = qr.matrixQR().topRows(rows.rows()).triangularView<Eigen::Upper>();
  return as_tensor(Matrix(r.transpose()));
}

const OpInfo& cka_info() {
  const auto text = [](const char* s) { return std::string(s); };
  static const OpInfo info{
      .name = "cka",
      .formula = formula,
      .inputs = {{"a", "(N, p)", Kind::constant},
                 {"b", "(N, q)", Kind::constant},
                 {"threshold", "()", Kind::constant, true}},
      .params = {{"kernel", text("linear"), "linear or rbf"}, {"estimator", text("debiased"), "debiased or biased"}},
      .samples = {{"linear", {normal(9, 3), normal(9, 4)}},
                  {"biased", {normal(9, 3), normal(9, 4)}, {{"estimator", text("biased")}}},
                  {"rbf", {normal(9, 3), normal(9, 4)}, {{"kernel", text("rbf")}}},
                  {"threshold", {normal(9, 3), normal(9, 4), fill(0.5, {})}, {{"kernel", text("rbf")}}}},
      .errors = {{{"rows", {normal(6, 2), normal(5, 2)}}, "[cka] b (5, 2) must be (N, q) with the N of a, got (6, 2)"},
                 {{"few", {normal(3, 2), normal(3, 2)}}, "[cka] a (3, 2) must be (N, p) with N at least 4"},
                 {{"constant", {fill(2, {6, 2}), normal(6, 2)}},
                  "[cka] is undefined: a or b is constant, or most of its rows are equal"},
                 {{"kernel", {normal(6, 2), normal(6, 2)}, {{"kernel", text("poly")}}},
                  "[cka] kernel = 'poly' must be linear or rbf"}},
      .apply = [](const Call& c) -> Outputs {
        CkaOptions o;
        if (chosen(c, "kernel", "linear", "rbf")) o.kernel = CkaKernel::rbf;
        if (chosen(c, "estimator", "debiased", "biased")) o.estimator = CkaEstimator::biased;
        if (c[2]) o.threshold = c[2].value().item();
        return {number(c, defined(cka(c[0].value(), c[1].value(), o), "cka",
                                  "a or b is constant, or most of its rows are equal"))};
      }};
  return info;
}

}  // namespace triptych::metrics

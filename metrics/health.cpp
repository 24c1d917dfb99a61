#include "metrics/health.h"

#include <cmath>

#include "metrics/answer.h"
#include "metrics/dense.h"  // before the rest of Eigen: it sets Eigen up

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>

namespace triptych::metrics {
namespace {

constexpr std::string_view formula = R"(
effective_rank: z (N, d)  ->  value (), participation_ratio (), stable_rank ()

  measures  how many directions a code uses, from its singular values s_1 >= s_2 >= ...
  forward   value = exp(-sum p log p),  p = s / sum(s)
            participation_ratio = (sum l)^2 / sum l^2,  l = s^2 of the centred code (always centred)
            stable_rank = |Z|_F^2 / |Z|_2^2 = sum s^2 / s_1^2 (never centred)
  chance    white noise: near min(N, d) for N far from d; 1 is a code that has collapsed onto one direction
  misleads  an uncentred code with a large mean reads near 1 whatever its spread: centre = true looks at the spread.
            A high rank may be noise: it says that directions are used, not that they mean anything
  edge      undefined for an all-zero code, and for a constant one (its participation ratio has no spread to share)
  source    Roy, Vetterli 2007, eq. 1-3; Gao et al. 2017, bioRxiv 214262, eq. 2; Rudelson, Vershynin 2007, sec. 1
)";

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

const OpInfo& effective_rank_info() {
  static const OpInfo info{
      .name = "effective_rank",
      .formula = formula,
      .inputs = {{"z", "(N, d)", Kind::constant}},
      .params = {{"centre", false, "subtract the column means first"}},
      .samples = {{"tall", {normal(7, 3)}}, {"wide_centred", {1 + normal(3, 5)}, {{"centre", true}}}},
      .errors = {{{"rank", {normal(4)}}, "[effective_rank] z (4) must be (N, d)"},
                 {{"constant", {fill(2, {4, 3})}}, "[effective_rank] is undefined: z is constant"}},
      .apply = [](const Call& c) -> Outputs {
        const Tensor& z = c[0].value();
        const char* const reason = "z is constant";
        return {number(c, defined(effective_rank(z, c.flag("centre")), "effective_rank", reason)),
                number(c, defined(participation_ratio(z), "effective_rank", reason)),
                number(c, defined(stable_rank(z), "effective_rank", reason))};
      },
      .outputs = {"value", "participation_ratio", "stable_rank"}};
  return info;
}

}  // namespace triptych::metrics

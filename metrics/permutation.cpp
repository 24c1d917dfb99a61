#include "metrics/permutation.h"

#include <algorithm>

#include "metrics/answer.h"
#include "metrics/cka.h"
#include "metrics/hungarian.h"

namespace triptych::metrics {
namespace {

constexpr std::string_view formula = R"(
permutation_consistency: a (B, K, p), b (B, K, q)  ->  value (), columns (K) int32, index_drift (), unmatched (),
                         agreement ()

  measures  whether K slots (or queries) have the same roles in a and b, codes of the same B samples
  forward   S_ij = mean over samples of cos(a_si, b_sj)  (cosine, p = q), or debiased linear CKA of slot i's codes with
            slot j's over the samples (cka);   columns = Hungarian matching of 1 - S
            value = mean_i S_i,columns(i);   unmatched = mean_ij S;   index_drift = share of i with columns(i) /= i
            agreement (cosine) = share of slots that the matching of one sample alone gives the same partner, over samples
  chance    value: `unmatched`, and a little more, for matching picks the best;   index_drift: 1 - 1/K;   agreement: 1/K
  misleads  cosine between two runs compares axes that have nothing in common: take cka. Slots that are copies of each
            other match any way round: value stays high while index_drift looks bad
  edge      a zero code has cosine 0; a slot that is constant over the samples has CKA 0
  source    Kuhn 1955 (matching); Locatello et al. 2020, arXiv 2006.15055 (slots are exchangeable)
)";

const char* const name = "permutation_consistency";

// Slot k of every sample: (B, d).
Matrix slot(const Tensor& x, std::int64_t k) {
  const std::int64_t slots = x.shape()[1], d = x.shape()[2];
  Matrix m(x.shape()[0], d);
  for (std::int64_t s = 0; s < m.rows(); ++s)
    for (std::int64_t j = 0; j < d; ++j) m(s, j) = x.at((s * slots + k) * d + j);
  return m;
}

// The slots of sample s, each of length 1 (or 0): (K, d).
Matrix unit_slots(const Tensor& x, std::int64_t s) {
  const std::int64_t slots = x.shape()[1], d = x.shape()[2];
  Matrix m(slots, d);
  for (std::int64_t k = 0; k < slots; ++k)
    for (std::int64_t j = 0; j < d; ++j) m(k, j) = x.at((s * slots + k) * d + j);
  m.rowwise().normalize();
  return m;
}

Matrix cka_of_slots(const Tensor& a, const Tensor& b) {
  const std::int64_t slots = a.shape()[1];
  const auto of_slots = [&](const Tensor& x) {
    std::vector<Tensor> all;
    for (std::int64_t k = 0; k < slots; ++k) all.push_back(as_tensor(slot(x, k)));
    return all;
  };
  const std::vector<Tensor> of_a = of_slots(a), of_b = of_slots(b);
  Matrix s(slots, slots);
  for (std::int64_t i = 0; i < slots; ++i)
    for (std::int64_t j = 0; j < slots; ++j)
      s(i, j) = cka(of_a[static_cast<std::size_t>(i)], of_b[static_cast<std::size_t>(j)]).value_or(0);
  return s;
}

void check(const Tensor& a, const Tensor& b, bool cosine) {
  checked_values(name, "a", a);
  checked_values(name, "b", b);
  if (a.shape().rank() != 3) refuse(name, "a", a, "(B, K, p)");
  const bool fits = b.shape().rank() == 3 && b.shape()[0] == a.shape()[0] && b.shape()[1] == a.shape()[1];
  if (!fits || (cosine && b.shape() != a.shape()))
    refuse(name, "b", b, cosine ? "(B, K, p) as a" : "(B, K, q) with B, K of a", a.shape().text());
  if (!cosine && a.shape()[0] < 4) refuse(name, "a", a, "(B, K, p) with B at least 4");
}

}  // namespace

PermutationConsistency permutation_consistency(const Tensor& a, const Tensor& b, SlotSimilarity similarity) {
  const bool cosine = similarity == SlotSimilarity::cosine;
  check(a, b, cosine);
  const std::int64_t samples = a.shape()[0], slots = a.shape()[1];
  std::vector<Matrix> each;  // cosines of each sample
  Matrix mean;
  if (cosine) {
    mean = Matrix::Zero(slots, slots);
    for (std::int64_t s = 0; s < samples; ++s) {
      each.push_back(unit_slots(a, s) * unit_slots(b, s).transpose());
      mean += each.back();
    }
    mean /= static_cast<double>(samples);
  } else {
    mean = cka_of_slots(a, b);
  }
  const auto share = [](std::int64_t part, std::int64_t of) {
    return static_cast<double>(part) / static_cast<double>(of);
  };
  const Assignment match = hungarian(Matrix(1 - mean.array()));
  PermutationConsistency p{1 - match.cost / static_cast<double>(slots), mean.mean(), match.columns, 0, {}};
  std::int64_t moved = 0, same = 0;
  for (std::int64_t i = 0; i < slots; ++i) moved += match.columns[static_cast<std::size_t>(i)] != i;
  p.index_drift = share(moved, slots);
  for (const Matrix& m : each) {
    const std::vector<std::int64_t> own = hungarian(Matrix(1 - m.array())).columns;
    for (std::size_t i = 0; i < own.size(); ++i) same += own[i] == match.columns[i];
  }
  if (cosine) p.agreement = share(same, samples * slots);
  return p;
}

const OpInfo& permutation_consistency_info() {
  const auto text = [](const char* s) { return std::string(s); };
  static const OpInfo info{
      .name = name,
      .formula = formula,
      .inputs = {{"a", "(B, K, p)", Kind::constant}, {"b", "(B, K, q)", Kind::constant}},
      .params = {{"similarity", text("cosine"), "cosine or cka"}},
      .samples = {{"cosine", {normal(3, 4, 2), normal(3, 4, 2)}},
                  {"cka", {normal(6, 3, 2), normal(6, 3, 4)}, {{"similarity", text("cka")}}}},
      .errors = {{{"rank", {normal(3, 2), normal(3, 2)}}, "[permutation_consistency] a (3, 2) must be (B, K, p)"},
                 {{"widths", {normal(3, 2, 2), normal(3, 2, 3)}},
                  "[permutation_consistency] b (3, 2, 3) must be (B, K, p) as a, got (3, 2, 2)"},
                 {{"few", {normal(3, 2, 2), normal(3, 2, 3)}, {{"similarity", text("cka")}}},
                  "[permutation_consistency] a (3, 2, 2) must be (B, K, p) with B at least 4"}},
      .apply = [](const Call& c) -> Outputs {
        const auto by = chosen(c, "similarity", "cosine", "cka") ? SlotSimilarity::cka : SlotSimilarity::cosine;
        const PermutationConsistency p = permutation_consistency(c[0].value(), c[1].value(), by);
        return {number(c, p.similarity), indices(c, p.columns), number(c, p.index_drift), number(c, p.unmatched),
                p.agreement ? number(c, *p.agreement) : Var{}};
      },
      .outputs = {"value", "columns", "index_drift", "unmatched", "agreement"}};
  return info;
}

}  // namespace triptych::metrics

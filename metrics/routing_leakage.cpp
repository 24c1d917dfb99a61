#include "metrics/routing_leakage.h"

#include <algorithm>

#include "metrics/answer.h"
#include "metrics/dense.h"

namespace triptych::metrics {
namespace {

constexpr std::string_view formula = R"(
routing_leakage: gates (tokens, experts), modality (tokens) int32, cluster (experts) int32
                 ->  value (), per_modality (M), chance (), normalised ()

  measures  the share of routing weight that goes to experts of other modalities: 0 under a hard permission mask
  forward   f_te = 1 where cluster_e >= 0 and cluster_e /= modality_t, else 0;   w_t = sum_e gates_te
            value = sum_te f_te gates_te / sum_t w_t;   per_modality_m = the same over the tokens of modality m
            chance = sum_t w_t (share of experts with f_te = 1) / sum_t w_t;   normalised = value / chance
  chance    normalised 1: the router is indifferent
  misleads  0 does not say that modalities are apart: both still go through the shared experts, and compete for their
            capacity
  edge      nothing routed: 0;   no expert is foreign to any token: chance and normalised are 0
  source    this project's definition; clusters of experts as in Mustafa et al. 2022 (LIMoE), arXiv 2206.02770
)";

const char* const name = "routing_leakage";
constexpr std::int64_t most_modalities = 256;

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

}  // namespace

RoutingLeakage routing_leakage(const Tensor& gates, std::span<const std::int64_t> modality,
                               std::span<const std::int64_t> cluster) {
  const Matrix g = checked_matrix(name, "gates", gates);
  if (g.minCoeff() < 0) refuse(name, "gates", gates, "at least 0 everywhere");
  if (std::ssize(modality) != g.rows())
    refuse(name, "gates", gates, "(tokens, experts) with one modality a token", std::to_string(modality.size()));
  if (std::ssize(cluster) != g.cols())
    refuse(name, "gates", gates, "(tokens, experts) with one cluster an expert", std::to_string(cluster.size()));
  const std::int64_t lowest = std::min(*std::min_element(modality.begin(), modality.end()),
                                       *std::min_element(cluster.begin(), cluster.end()) + 1);
  if (lowest < 0 || *std::max_element(modality.begin(), modality.end()) >= most_modalities)
    refuse(name, "gates", gates, "routed by modalities from 0 to 255 and clusters from -1");
  std::vector<double> leaked(static_cast<std::size_t>(*std::max_element(modality.begin(), modality.end()) + 1)),
      all(leaked);
  double expected = 0;
  for (Eigen::Index t = 0; t < g.rows(); ++t) {
    const std::int64_t own = modality[static_cast<std::size_t>(t)];
    double foreign = 0;
    for (Eigen::Index e = 0; e < g.cols(); ++e) {
      const std::int64_t of = cluster[static_cast<std::size_t>(e)];
      if (of < 0 || of == own) continue;
      foreign += 1;
      leaked[static_cast<std::size_t>(own)] += g(t, e);
    }
    all[static_cast<std::size_t>(own)] += g.row(t).sum();
    expected += g.row(t).sum() * foreign / static_cast<double>(g.cols());
  }
  RoutingLeakage r;
  double sum_leaked = 0, sum = 0;
  for (std::size_t m = 0; m < all.size(); ++m) {
    r.per_modality.push_back(ratio(leaked[m], all[m]));
    sum_leaked += leaked[m];
    sum += all[m];
  }
  r.value = ratio(sum_leaked, sum);
  r.chance = ratio(expected, sum);
  r.normalised = ratio(r.value, r.chance);
  return r;
}

const OpInfo& routing_leakage_info() {
  static const OpInfo info{
      .name = name,
      .formula = formula,
      .inputs = {{"gates", "(tokens, experts)", Kind::constant},
                 {"modality", "(tokens)", Kind::index},
                 {"cluster", "(experts)", Kind::index}},
      .samples = {{"two_modalities", {uniform(0, 1, {4, 3}), list({4}, {0, 1, 0, 1}), list({3}, {0, 1, -1})}}},
      .errors = {{{"tokens", {uniform(0, 1, {4, 3}), list({2}, {0, 1}), list({3}, {0, 1, -1})}},
                  "[routing_leakage] gates (4, 3) must be (tokens, experts) with one modality a token, got 2"},
                 {{"negative", {fill(-1, {2, 2}), list({2}, {0, 1}), list({2}, {0, 1})}},
                  "[routing_leakage] gates (2, 2) must be at least 0 everywhere"}},
      .apply = [](const Call& c) -> Outputs {
        const RoutingLeakage r = routing_leakage(c[0].value(), whole(c[1]), whole(c[2]));
        return {number(c, r.value), numbers(c, r.per_modality), number(c, r.chance), number(c, r.normalised)};
      },
      .outputs = {"value", "per_modality", "chance", "normalised"}};
  return info;
}

}  // namespace triptych::metrics

#include "metrics/retrieval.h"

#include <algorithm>

#include "backends/cpu/parallel.h"
#include "core/error.h"
#include "metrics/answer.h"
#include "metrics/dense.h"

namespace triptych::metrics {
namespace {

constexpr std::string_view formula = R"(
recall_at: queries (N, d), gallery (N, d)  ->  value (), chance (), tied ()

  measures  the share of queries whose own pair is among the k nearest of the gallery
  forward   s_ij = cos(queries_i, gallery_j), 0 for a zero row;   rank_i = #{ j : s_ij > s_ii };   row i's match is row i
            value = #{ i : rank_i < k } / N;   tied = share of queries whose match ties with another gallery row
  chance    min(k, N) / N, what a random order reaches
  misleads  a tie does not lower a rank, and scores within 1e-12 tie: collapsed codes tie everywhere and read 1. Where
            `tied` is large, recall means nothing. It falls with the size of the gallery: quote N beside it
  source    the usual image-text retrieval protocol, e.g. Radford et al. 2021 (CLIP), arXiv 2103.00020
)";

constexpr double tie = 1e-12;

Matrix unit_rows(Matrix x) {
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    const double largest = x.row(i).lpNorm<Eigen::Infinity>();  // first, or the squares of tiny rows vanish
    if (largest > 0) x.row(i) /= largest;
    if (largest > 0) x.row(i).normalize();
  }
  return x;
}

}  // namespace

Recall recall_at(const Tensor& queries, const Tensor& gallery, const std::vector<std::int64_t>& k) {
  const Matrix q = unit_rows(checked_matrix("recall_at", "queries", queries));
  const Matrix g = unit_rows(checked_matrix("recall_at", "gallery", gallery));
  if (queries.shape() != gallery.shape())
    refuse("recall_at", "gallery", gallery, "(N, d) as queries", queries.shape().text());
  for (const std::int64_t each : k)
    if (each < 1)
      throw Error(Exit::input, "recall_at.argument", "[recall_at] k must be at least 1, got " + std::to_string(each));

  const std::int64_t n = q.rows();
  std::vector<std::int64_t> rank(static_cast<std::size_t>(n)), ties(rank);
  cpu::parallel_tiles(n, 256, n * n, [&](std::int64_t begin, std::int64_t end) {
    const Matrix scores = q.middleRows(begin, end - begin) * g.transpose();
    for (std::int64_t i = begin; i < end; ++i) {
      const auto row = scores.row(i - begin).array();
      const double own = row(i);
      rank[static_cast<std::size_t>(i)] = (row > own + tie).count();
      ties[static_cast<std::size_t>(i)] = (row >= own - tie).count() - rank[static_cast<std::size_t>(i)] - 1;
    }
  });

  const auto share = [n](std::int64_t count) { return static_cast<double>(count) / static_cast<double>(n); };
  Recall r{.k = k, .value = {}, .chance = {}, .tied = 0, .n = n};
  r.tied = share(std::count_if(ties.begin(), ties.end(), [](std::int64_t t) { return t > 0; }));
  for (const std::int64_t each : k) {
    r.value.push_back(share(std::count_if(rank.begin(), rank.end(), [each](std::int64_t x) { return x < each; })));
    r.chance.push_back(share(std::min(each, n)));
  }
  r.rank = std::move(rank);
  return r;
}

const OpInfo& recall_at_info() {
  static const OpInfo info{
      .name = "recall_at",
      .formula = formula,
      .inputs = {{"queries", "(N, d)", Kind::constant}, {"gallery", "(N, d)", Kind::constant}},
      .params = {{"k", 1.0, "how many of the nearest are looked at"}},
      .samples = {{"one", {normal(7, 3), normal(7, 3)}}, {"five", {normal(7, 3), normal(7, 3)}, {{"k", 5.0}}}},
      .errors = {{{"shapes", {normal(7, 3), normal(7, 2)}},
                  "[recall_at] gallery (7, 2) must be (N, d) as queries, got (7, 3)"}},
      .apply = [](const Call& c) -> Outputs {
        const Recall r = recall_at(c[0].value(), c[1].value(), {c.integer("k", 1)});
        return {number(c, r.value[0]), number(c, r.chance[0]), number(c, r.tied)};
      },
      .outputs = {"value", "chance", "tied"}};
  return info;
}

}  // namespace triptych::metrics

#include "metrics/retrieval.h"

#include <algorithm>

#include "backends/cpu/parallel.h"
#include "core/error.h"
#include "metrics/dense.h"

namespace triptych::metrics {
namespace {

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
  return r;
}

}  // namespace triptych::metrics

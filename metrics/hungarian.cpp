#include "metrics/hungarian.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "metrics/answer.h"

namespace triptych::metrics {
namespace {

constexpr std::string_view formula = R"(
hungarian: cost (n, m)  ->  value (), columns (n) int32

  measures  the pairing of rows and columns of least total cost; each is used once at most, min(n, m) pairs
  forward   value = min over pairings of sum_i cost_i,columns(i);   columns_i = -1 for a row that is left over (n > m)
            Potentials u, v with u_i + v_j <= cost_ij, equal on the pairs. Each row in turn is paired by the shortest
            augmenting path under the reduced costs cost_ij - u_i - v_j: O(n^2 m), n <= m (else of the transpose)
  ties      among pairings of equal cost the one whose columns come first in dictionary order (n > m: whose rows do);
            reduced costs within 1e-12 of the largest |cost| count as equal
  chance    the mean of a random pairing: min(n, m) times the mean cost
  misleads  the least of many sums: of pure noise too, the matched cost lies well below the mean
  source    Kuhn 1955; Munkres 1957; Jonker, Volgenant 1987 (shortest augmenting paths)
)";

constexpr std::int64_t none = -1;

// n rows <= m columns.
struct Solver {
  const Matrix& cost;
  const std::int64_t n, m;
  std::vector<double> u, v;               // v <= 0, and 0 for a column without a row
  std::vector<std::int64_t> row, column;  // row of each column, column of each row

  explicit Solver(const Matrix& c)
      : cost(c), n(c.rows()), m(c.cols()), u(size(n)), v(size(m)), row(size(m), none), column(size(n), none) {}
  static std::size_t size(std::int64_t x) { return static_cast<std::size_t>(x); }

  void pair_row(std::int64_t start);
  void prefer_low_columns();
};

void Solver::pair_row(std::int64_t start) {
  constexpr double far = std::numeric_limits<double>::infinity();
  std::vector<double> distance(size(m), far);
  std::vector<std::int64_t> from(size(m), none);  // the column before on the path
  std::vector<char> reached(size(m));
  std::vector<std::int64_t> path;  // reached columns, in order
  std::int64_t at = none, r = start;
  double length = 0;
  while (r != none) {
    std::int64_t next = none;
    double least = far;
    for (std::int64_t j = 0; j < m; ++j) {
      if (reached[size(j)]) continue;
      const double through = length + (cost(r, j) - u[size(r)] - v[size(j)]);
      if (through < distance[size(j)]) distance[size(j)] = through, from[size(j)] = at;
      // On a tie a column without a row: the path ends there. Else costs that all tie are walked through column by
      // column.
      if (distance[size(j)] < least || (distance[size(j)] == least && row[size(j)] == none && row[size(next)] != none))
        least = distance[size(j)], next = j;
    }
    length = least;
    reached[size(next)] = true;
    path.push_back(next);
    at = next;
    r = row[size(next)];
  }
  u[size(start)] += length;
  for (const std::int64_t j : path) {
    if (j == at) continue;
    u[size(row[size(j)])] += length - distance[size(j)];
    v[size(j)] -= length - distance[size(j)];
  }
  for (std::int64_t j = at; j != none; j = from[size(j)]) {
    row[size(j)] = from[size(j)] == none ? start : row[size(from[size(j)])];
    column[size(row[size(j)])] = j;
  }
}

// A set of rows or columns, 64 to a word: where everything ties, there are as many tight pairs as costs.
class Set {
 public:
  explicit Set(std::int64_t size) : words_(static_cast<std::size_t>((size + 63) / 64)) {}
  void add(std::int64_t i) { words_[static_cast<std::size_t>(i / 64)] |= std::uint64_t{1} << (i % 64); }
  void remove(std::int64_t i) { words_[static_cast<std::size_t>(i / 64)] &= ~(std::uint64_t{1} << (i % 64)); }
  // The lowest that is in both; there must be one.
  std::int64_t lowest_of_both(const Set& other) const {
    std::size_t w = 0;
    while ((words_[w] & other.words_[w]) == 0) ++w;
    return static_cast<std::int64_t>(64 * w) + std::countr_zero(words_[w] & other.words_[w]);
  }
  // f of each that is in both, ascending; it is removed here first.
  template <class F>
  void take(const Set& other, F&& f) {
    for (std::size_t w = 0; w < words_.size(); ++w) {
      std::uint64_t found = words_[w] & other.words_[w];
      words_[w] &= ~found;
      for (; found != 0; found &= found - 1) f(static_cast<std::int64_t>(64 * w) + std::countr_zero(found));
    }
  }

 private:
  std::vector<std::uint64_t> words_;
};

// Every pairing of equal cost uses pairs of reduced cost 0 alone, and leaves out columns of v = 0 alone. Row by row,
// the lowest column is taken that the rows below can make room for along such pairs.
void Solver::prefer_low_columns() {
  const double equal = 1e-12 * cost.cwiseAbs().maxCoeff();
  std::vector<Set> tight_rows(size(m), Set(n)), tight_columns(size(n), Set(m));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < m; ++j)
      if (j == column[size(i)] || cost(i, j) - u[size(i)] - v[size(j)] <= equal) {
        tight_rows[size(j)].add(i);
        tight_columns[size(i)].add(j);
      }
  std::vector<std::int64_t> moves_to(size(n)), queue;
  Set below(n);
  for (std::int64_t i = 0; i < n; ++i) below.add(i);
  for (std::int64_t i = 0; i < n; ++i) {
    below.remove(i);
    const std::int64_t own = column[size(i)];
    if (tight_columns[size(i)].lowest_of_both(tight_columns[size(i)]) == own) continue;
    // Columns that can be given up once row i's own is free, from there backwards: a row below gives up its column for
    // one that is open, and the empty place (a column without a row) can change to any open column of v = 0.
    Set open(m), fixed = below;  // fixed: rows below that have not been reached
    queue.clear();
    std::int64_t place_moves_to = none;
    const auto reach = [&](std::int64_t j) {
      open.add(j);
      queue.push_back(j);
    };
    reach(own);
    for (std::size_t k = 0; k < queue.size(); ++k) {
      const std::int64_t to = queue[k];
      if (place_moves_to == none && v[size(to)] >= -equal) {
        place_moves_to = to;
        for (std::int64_t j = 0; j < m; ++j)
          if (row[size(j)] == none) reach(j);
      }
      fixed.take(tight_rows[size(to)], [&](std::int64_t r) {
        moves_to[size(r)] = to;
        reach(column[size(r)]);
      });
    }
    const std::int64_t best = tight_columns[size(i)].lowest_of_both(open);
    std::int64_t mover = i, to = best;
    while (to != own) {
      const std::int64_t pushed = row[size(to)];
      row[size(to)] = mover;
      if (mover != none) column[size(mover)] = to;
      mover = pushed;
      to = pushed == none ? place_moves_to : moves_to[size(pushed)];
    }
    row[size(own)] = mover;
    if (mover != none) column[size(mover)] = own;
  }
}

}  // namespace

Assignment hungarian(const Matrix& cost) {
  const bool tall = cost.rows() > cost.cols();
  const Matrix wide = tall ? Matrix(cost.transpose()) : cost;
  Solver solver(wide);
  for (std::int64_t i = 0; i < solver.n; ++i) solver.pair_row(i);
  solver.prefer_low_columns();
  Assignment a{tall ? solver.row : solver.column, 0};
  for (std::size_t i = 0; i < a.columns.size(); ++i)
    if (a.columns[i] != none) a.cost += cost(static_cast<Eigen::Index>(i), a.columns[i]);
  return a;
}

Assignment hungarian(const Tensor& cost) { return hungarian(checked_matrix("hungarian", "cost", cost)); }

const OpInfo& hungarian_info() {
  static const OpInfo info{.name = "hungarian",
                           .formula = formula,
                           .inputs = {{"cost", "(n, m)", Kind::constant}},
                           .samples = {{"square", {normal(5, 5)}}, {"wide", {normal(3, 6)}}, {"tall", {normal(6, 3)}}},
                           .errors = {{{"rank", {normal(4)}}, "[hungarian] cost (4) must be (N, d)"}},
                           .apply = [](const Call& c) -> Outputs {
                             const Assignment a = hungarian(c[0].value());
                             return {number(c, a.cost), indices(c, a.columns)};
                           },
                           .outputs = {"value", "columns"}};
  return info;
}

}  // namespace triptych::metrics

#include "metrics/swap_retrieval.h"

#include "backends/cpu/parallel.h"
#include "metrics/answer.h"
#include "metrics/dense.h"

namespace triptych::metrics {
namespace {

constexpr std::string_view formula = R"(
swap_retrieval: shared (V, n, d), private (V, n, p)  ->  value (), item (), view (), chance (), item_chance (),
                                                         view_chance (), found (V n) int32

  measures  of n items in V views: does the shared code name the item and nothing of the view, the private code the view
            and nothing of the item? Then one of each, from two samples, names a third
  forward   s, z = all rows of shared, private, less their mean, scaled to length 1
            asked for item i and view v:   w = v + 1 mod V,  j = i + 1 mod n
            found = argmax over all (l, k) of  s_vi . s_lk + z_wj . z_lk        (on a tie (v, i), else the lowest)
            value, item, view = share of questions with (l, k) = (w, i);  with k = i;  with l = w
  chance    1 / (V n);   1 / n;   1 / V
  misleads  the two samples that gave the codes are among those that may be found: a private code that says nothing
            finds (v, i), item right and view wrong; a shared code that says nothing finds (w, j), the other way round.
            A private code that also names its item, or a shared one that names its view, draws the answer there too
  source    this project's definition; swapping content and style, Huang et al. 2018, arXiv 1804.04732
)";

const char* const name = "swap_retrieval";
constexpr double tie = 1e-12;

// (V n, d), centred, every row of length 1 or 0.
Matrix directions(const char* argument, const Tensor& code) {
  checked_values(name, argument, code);
  const Shape& s = code.shape();
  if (s.rank() != 3 || s[0] < 2 || s[1] < 2) refuse(name, argument, code, "(V, n, d), 2 views and 2 items at least");
  Matrix x = centred(checked_matrix(name, argument, code.reshaped({s[0] * s[1], s[2]})));
  for (Eigen::Index i = 0; i < x.rows(); ++i)
    if (const double length = x.row(i).norm(); length > 0) x.row(i) /= length;
  return x;
}

}  // namespace

SwapScore swap_retrieval(const Tensor& shared, const Tensor& private_code) {
  const Matrix s = directions("shared", shared), z = directions("private", private_code);
  const std::int64_t views = shared.shape()[0], n = shared.shape()[1], all = views * n;
  if (private_code.shape()[0] != views || private_code.shape()[1] != n)
    refuse(name, "private", private_code, "(V, n, p) of the views and items of shared", shared.shape().text());
  SwapScore score;
  score.found.resize(static_cast<std::size_t>(all));
  cpu::parallel_tiles(all, 64, all * all, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t ask = begin; ask < end; ++ask) {
      const std::int64_t donor = (ask / n + 1) % views * n + (ask % n + 1) % n;
      const Vector score_of = s * s.row(ask).transpose() + z * z.row(donor).transpose();
      Eigen::Index best = ask, highest = 0;
      if (score_of.maxCoeff(&highest) > score_of[ask] + tie) best = highest;
      score.found[static_cast<std::size_t>(ask)] = best;
    }
  });
  for (std::int64_t ask = 0; ask < all; ++ask) {
    const std::int64_t found = score.found[static_cast<std::size_t>(ask)];
    const bool item = found % n == ask % n, view = found / n == (ask / n + 1) % views;
    score.item.value += item;
    score.view.value += view;
    score.right.value += item && view;
  }
  for (SwapScore::Share* share : {&score.right, &score.item, &score.view}) share->value /= static_cast<double>(all);
  score.right.chance = 1 / static_cast<double>(all);
  score.item.chance = 1 / static_cast<double>(n);
  score.view.chance = 1 / static_cast<double>(views);
  return score;
}

const OpInfo& swap_retrieval_info() {
  static const OpInfo info{
      .name = name,
      .formula = formula,
      .inputs = {{"shared", "(V, n, d)", Kind::constant}, {"private", "(V, n, p)", Kind::constant}},
      .samples = {{"views", {normal(3, 4, 2), normal(3, 4, 5)}}},
      .errors =
          {{{"one view", {normal(1, 4, 2), normal(1, 4, 2)}},
            "[swap_retrieval] shared (1, 4, 2) must be (V, n, d), 2 views and 2 items at least"},
           {{"items", {normal(2, 4, 2), normal(2, 3, 2)}},
            "[swap_retrieval] private (2, 3, 2) must be (V, n, p) of the views and items of shared, got (2, 4, 2)"}},
      .apply = [](const Call& c) -> Outputs {
        const SwapScore s = swap_retrieval(c[0].value(), c[1].value());
        return {number(c, s.right.value), number(c, s.item.value),  number(c, s.view.value), number(c, s.right.chance),
                number(c, s.item.chance), number(c, s.view.chance), indices(c, s.found)};
      },
      .outputs = {"value", "item", "view", "chance", "item_chance", "view_chance", "found"}};
  return info;
}

}  // namespace triptych::metrics

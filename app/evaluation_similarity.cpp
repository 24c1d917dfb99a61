#include <algorithm>

#include "app/evaluation_parts.h"
#include "core/gather_rows.h"
#include "metrics/cka.h"
#include "metrics/health.h"
#include "metrics/held_out_cca.h"
#include "metrics/hsic_test.h"

namespace triptych::app {
namespace {

// Of independence: on the first views, so that no two rows are of one item, and on at most `most` items, evenly spaced.
std::optional<double> p_value(const CodedBlock& x, const Side& of_a, const CodedBlock& y, const Side& of_b) {
  constexpr std::size_t most = 256;
  const std::size_t n = x.item.size(), taken = std::min(n, most);
  std::vector<std::int32_t> which;
  for (std::size_t i = 0; i < taken; ++i) which.push_back(static_cast<std::int32_t>(i * n / taken));
  Tensor a, b;
  gather_rows(x.*of_a.code, which, a);
  gather_rows(y.*of_b.code, which, b);
  metrics::HsicTestOptions options;
  options.permutations = 499;
  const auto test = metrics::hsic_test(a, b, options);
  return test ? std::optional(test->p_value) : std::nullopt;
}

// Mean over pairs of views; within a modality each view with itself.
void add_similarity(const Codes& codes, std::size_t a, const Side& of_a, std::size_t b, const Side& of_b, bool wanted,
                    Evaluation& e) {
  Similarity s{of_a.prefix + codes.modalities[a], of_b.prefix + codes.modalities[b], {}, wanted};
  const Views of_first = views_of(codes.test, a), of_second = views_of(codes.test, b);
  std::string why = of_first.front()->item.size() < 4 ? "fewer than 4 held-out items" : "";
  double sum = 0;
  int count = 0;
  for (const CodedBlock* x : of_first)
    for (const CodedBlock* y : of_second) {
      if ((a == b && x != y) || !why.empty()) continue;
      const auto value = metrics::cka(x->*of_a.code, y->*of_b.code);
      if (!value) why = "one of them is the same for all held-out items";
      sum += value.value_or(0);
      ++count;
    }
  if (why.empty()) {
    s.value = sum / count;
    s.p_value = p_value(*of_first.front(), of_a, *of_second.front(), of_b);
  } else {
    e.undefined.push_back({"CKA of " + s.a + " and " + s.b, why});
  }
  e.cka.push_back(std::move(s));
}

// Rows of every view added up, over their number.
Tensor mean_of_views(const Views& views, Tensor CodedBlock::*code) {
  if (views.size() == 1) return views.front()->*code;
  Tensor sum = (views.front()->*code).clone();
  for (std::size_t v = 1; v < views.size(); ++v)
    for (std::int64_t i = 0; i < sum.size(); ++i) sum.set(i, sum.at(i) + (views[v]->*code).at(i));
  for (std::int64_t i = 0; i < sum.size(); ++i) sum.set(i, sum.at(i) / static_cast<double>(views.size()));
  return sum;
}

// sum |z - mean|^2 / sum |z|^2
double spread_of(const Tensor& z) {
  const std::int64_t n = z.shape()[0], width = z.shape()[1];
  double all = 0, about_mean = 0;
  for (std::int64_t j = 0; j < width; ++j) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += z.at(i * width + j);
    const double mean = sum / static_cast<double>(n);
    for (std::int64_t i = 0; i < n; ++i) {
      const double x = z.at(i * width + j);
      all += x * x;
      about_mean += (x - mean) * (x - mean);
    }
  }
  return all > 0 ? about_mean / all : 0;
}

}  // namespace

void add_cka(const Codes& codes, Evaluation& e) {
  const std::size_t n = codes.modalities.size();
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = a + 1; b < n; ++b) {
      add_similarity(codes, a, shared_side, b, shared_side, true, e);
      add_similarity(codes, a, private_side, b, private_side, false, e);
    }
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < n; ++b) add_similarity(codes, a, private_side, b, shared_side, false, e);
}

void add_ranks(const Codes& codes, Evaluation& e) {
  for (std::size_t m = 0; m < codes.modalities.size(); ++m)
    for (const Side& side : {private_side, shared_side}) {
      const Tensor z = stacked(views_of(codes.test, m), side.code);
      const Rank r{side.prefix + codes.modalities[m], metrics::effective_rank(z, true), z.shape()[1], spread_of(z)};
      if (!r.value)
        e.undefined.push_back({"effective rank of " + r.code, r.code + " is the same for all held-out items"});
      e.ranks.push_back(r);
    }
}

void add_total_correlation(const Codes& codes, Evaluation& e) {
  constexpr double most_multiplications = 3e10;  // of the features' covariance: a few seconds
  for (std::size_t a = 0; a < codes.modalities.size(); ++a)
    for (std::size_t b = a + 1; b < codes.modalities.size(); ++b) {
      const Views train[] = {views_of(codes.train, a), views_of(codes.train, b)},
                  test[] = {views_of(codes.test, a), views_of(codes.test, b)};
      if (train[0].empty() || train[0].front()->item.size() < 2 || test[0].front()->item.size() < 2) continue;
      const auto of = [&](Tensor CodedBlock::*code, std::int64_t components) {
        return metrics::held_out_cca(mean_of_views(train[0], code), mean_of_views(train[1], code),
                                     mean_of_views(test[0], code), mean_of_views(test[1], code), components);
      };
      const auto shared = of(&CodedBlock::raw_shared_code, train[0].front()->shared_code.shape()[1]);
      if (shared.test.empty()) continue;
      TotalCorrelation t{shared_side.prefix + codes.modalities[a],
                         shared_side.prefix + codes.modalities[b],
                         std::ssize(shared.test),
                         shared.test_total,
                         shared.train_total,
                         {}};
      const Tensor &x = train[0].front()->input, &y = train[1].front()->input;
      if (x && y &&
          static_cast<double>(x.size()) * x.shape()[1] + static_cast<double>(y.size()) * y.shape()[1] <
              most_multiplications) {
        const auto inputs = of(&CodedBlock::input, t.components);
        if (!inputs.test.empty()) t.of_inputs = inputs.test_total;
      }
      e.total_correlation.push_back(std::move(t));
    }
}

}  // namespace triptych::app

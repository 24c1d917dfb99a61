#include "metrics/leakage.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "metrics/dense.h"

namespace triptych::metrics {
namespace {

const char* const name = "attention_leakage";

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

std::vector<bool> foreign_columns(const Tensor& attention, std::span<const std::int64_t> foreign) {
  std::vector<bool> is_foreign(static_cast<std::size_t>(attention.shape().back()));
  for (const std::int64_t column : foreign) {
    if (column < 0 || column >= attention.shape().back())
      refuse(name, "attention", attention, "(queries, tokens) with every foreign column",
             "column " + std::to_string(column));
    if (is_foreign[static_cast<std::size_t>(column)])
      throw Error(Exit::input, "attention_leakage.argument",
                  "[attention_leakage] foreign must name a column once, got " + std::to_string(column) + " twice");
    is_foreign[static_cast<std::size_t>(column)] = true;
  }
  return is_foreign;
}

// s: (B, heads, queries, tokens), the four axes that attention is read with.
std::vector<AttentionLeakage> per_head(const Tensor& attention, const Shape& s, std::span<const std::int64_t> foreign,
                                       const Tensor& mask) {
  const std::vector<double> weights = checked_values(name, "attention", attention);
  if (std::any_of(weights.begin(), weights.end(), [](double w) { return w < 0; }))
    refuse(name, "attention", attention, "at least 0 everywhere");
  const std::vector<bool> is_foreign = foreign_columns(attention, foreign);

  std::vector<AttentionLeakage> heads;
  for (std::int64_t h = 0; h < s[1]; ++h) {
    double all = 0, leaked = 0, expected = 0;
    std::vector<double> query_all(static_cast<std::size_t>(s[2])), query_leaked(query_all);
    for (std::int64_t b = 0; b < s[0]; ++b) {
      const auto real = [&](std::int64_t t) { return !mask || mask.at(b * s[3] + t) != 0; };
      double tokens = 0, foreign_tokens = 0;
      for (std::int64_t t = 0; t < s[3]; ++t) {
        tokens += real(t);
        foreign_tokens += real(t) && is_foreign[static_cast<std::size_t>(t)];
      }
      for (std::int64_t q = 0; q < s[2]; ++q) {
        const double* row = &weights[static_cast<std::size_t>(((b * s[1] + h) * s[2] + q) * s[3])];
        double row_all = 0, row_leaked = 0;
        for (std::int64_t t = 0; t < s[3]; ++t) {
          if (!real(t)) continue;
          row_all += row[t];
          if (is_foreign[static_cast<std::size_t>(t)]) row_leaked += row[t];
        }
        all += row_all;
        leaked += row_leaked;
        expected += row_all * ratio(foreign_tokens, tokens);
        query_all[static_cast<std::size_t>(q)] += row_all;
        query_leaked[static_cast<std::size_t>(q)] += row_leaked;
      }
    }
    AttentionLeakage head{
        .value = ratio(leaked, all), .chance = ratio(expected, all), .normalised = 0, .per_query = {}};
    head.normalised = ratio(head.value, head.chance);
    for (std::size_t q = 0; q < query_all.size(); ++q) head.per_query.push_back(ratio(query_leaked[q], query_all[q]));
    heads.push_back(std::move(head));
  }
  return heads;
}

}  // namespace

std::optional<double> chance_corrected(double accuracy, double chance) {
  if (!(accuracy >= 0 && accuracy <= 1 && chance >= 0 && chance <= 1))
    throw Error(Exit::input, "chance_corrected.argument",
                "[chance_corrected] accuracy and chance must be in [0, 1], got " + std::to_string(accuracy) + " and " +
                    std::to_string(chance));
  if (chance == 1) return std::nullopt;
  return std::max(0.0, (accuracy - chance) / (1 - chance));
}

AttentionLeakage attention_leakage(const Tensor& attention, std::span<const std::int64_t> foreign) {
  if (attention && attention.shape().rank() != 2) refuse(name, "attention", attention, "(queries, tokens)");
  const Shape s = attention ? Shape{1, 1, attention.shape()[0], attention.shape()[1]} : Shape{};
  return per_head(attention, s, foreign, {}).front();
}

std::vector<AttentionLeakage> attention_leakage_per_head(const Tensor& attention, std::span<const std::int64_t> foreign,
                                                         const Tensor& mask) {
  if (attention && attention.shape().rank() != 4) refuse(name, "attention", attention, "(B, heads, queries, tokens)");
  const Shape& s = attention.shape();
  if (mask && attention && mask.shape() != Shape{s[0], s[3]})
    refuse(name, "mask", mask, "(B, tokens) of attention", s.text());
  return per_head(attention, s, foreign, mask);
}

}  // namespace triptych::metrics

#include "losses/attention_leakage.h"

#include "backends/mutant.h"
#include "core/error.h"
#include "core/require.h"
#include "ops/scale.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
attention_leakage: attention (..., queries, tokens), foreign int32 (k)  ->  value (), per_query (..., queries), normalised ()

  forward   f_t = 1 for the k foreign tokens, else 0
            value = sum_qt f_t a_qt / sum_qt a_qt;   per_query_q = sum_t f_t a_qt / sum_t a_qt;   normalised = value tokens / k
  backward  da_qt = (f_t - value) / sum_qt a_qt;   of per_query: (f_t - per_query_q) / sum_t a_qt
  saves     f, the sums of each query
  edge      no attention at all, or none of a query: 0 with gradient 0;   no foreign token: normalised is 0
  limits    attention may be clean and the codes still mixed, by the encoder before it: see the audit and the probes
  source    this project's definition; its chance level is that of uniform attention
)";

// The sums that every output is made of.
struct Sums {
  std::int64_t queries, tokens, foreign;
  Tensor f;                         // (2, tokens): f, and ones
  std::vector<double> leaked, all;  // one a query
};

Sums sums_of(const Var& attention, const Var& foreign) {
  const Kernels& k = attention.kernels();
  Sums s{attention.shape().rows(), attention.shape().back(), foreign.value().size(), {}, {}, {}};
  s.f = Tensor::full({2, s.tokens}, attention.dtype(), 1);
  for (std::int64_t t = 0; t < s.tokens; ++t) s.f.set(t, 0);
  for (std::int64_t i = 0; i < s.foreign; ++i) {
    const auto column = static_cast<std::int64_t>(foreign.value().at(i));
    if (s.f.at(column) != 0)
      throw Error(Exit::input, "op.index",
                  "[attention_leakage] foreign names column " + std::to_string(column) + " twice");
    s.f.set(column, 1);
  }
  Tensor sums({s.queries, 2}, attention.dtype());
  k.gemm({.trans_b = true, .m = s.queries, .n = 2, .k = s.tokens}, attention.value().view(), s.f.view(), sums.view());
  for (std::int64_t q = 0; q < s.queries; ++q) {
    s.leaked.push_back(sums.at(2 * q));
    s.all.push_back(sums.at(2 * q + 1));
  }
  return s;
}

double share(double leaked, double all) { return all == 0 ? 0 : leaked / all; }

double total(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum;
}

// weight_q (f_t - share_q) for every query, as one product of (queries, 2) and (2, tokens).
template <class Weight, class Share>
Tensor spread(const Kernels& k, const Sums& s, const Shape& shape, DType dtype, Weight&& weight, Share&& share_of) {
  Tensor parts({s.queries, 2}, dtype), g(shape, dtype);
  for (std::int64_t q = 0; q < s.queries; ++q) {
    parts.set(2 * q, weight(q));
    parts.set(2 * q + 1, -TRIPTYCH_TERM("attention_leakage.share", weight(q) * share_of(q)));
  }
  k.gemm({.m = s.queries, .n = s.tokens, .k = 2}, parts.view(), s.f.view(), g.view());
  return g;
}

}  // namespace

AttentionLeakage attention_leakage(const Var& attention, const Var& foreign) {
  const Shape shape = attention.shape();
  require(shape.rank() >= 2 && attention.value().size() > 0, "attention_leakage", "attention", attention,
          "(..., queries, tokens), not empty");
  require(foreign.shape().rank() == 1, "attention_leakage", "foreign", foreign, "(k)");
  require_index("attention_leakage", "foreign", foreign, 0, shape.back(), "a column of attention", "attention",
                attention);
  const Kernels& k = attention.kernels();
  const DType dtype = attention.dtype();
  const Sums s = sums_of(attention, foreign);
  const double all = total(s.all), value = share(total(s.leaked), all);
  AttentionLeakage out;
  out.value = record("attention_leakage", Tensor::scalar(value, dtype), {attention},
                     [&k, s, shape, dtype, value, all](const Tensor& dy) -> Grads {
                       const double weight = all == 0 ? 0 : dy.item() / all;
                       return {spread(
                           k, s, shape, dtype, [&](auto) { return weight; }, [&](auto) { return value; })};
                     });
  std::vector<double> shares;
  for (std::size_t q = 0; q < s.all.size(); ++q) shares.push_back(share(s.leaked[q], s.all[q]));
  out.per_query =
      record("attention_leakage_per_query", Tensor::from(shape.without_last(), std::span<const double>(shares), dtype),
             {attention}, [&k, s, shape, dtype, shares](const Tensor& dy) -> Grads {
               const auto weight = [&](std::int64_t q) {
                 const double row = s.all[static_cast<std::size_t>(q)];
                 return row == 0 ? 0 : dy.at(q) / row;
               };
               return {spread(k, s, shape, dtype, weight,
                              [&](std::int64_t q) { return shares[static_cast<std::size_t>(q)]; })};
             });
  out.normalised = scale(out.value, s.foreign > 0 ? static_cast<double>(s.tokens) / static_cast<double>(s.foreign) : 0);
  return out;
}

const OpInfo& attention_leakage_info() {
  static const OpInfo info{
      .name = "attention_leakage",
      .formula = formula,
      .inputs = {{"attention", "(..., queries, tokens)"}, {"foreign", "(k)", Kind::index}},
      .samples = {{"matrix", {uniform(0, 1, {3, 4}), list({2}, {2, 3})}},
                  {"heads", {uniform(0, 1, {2, 2, 3, 5}), list({3}, {4, 0, 2})}},
                  {"one_foreign", {list({3, 2}, {0.3, 0.7, 0.25, 0.5, 0.1, 0.4}), list({1}, {1})}}},
      .errors = {{{"rank", {uniform(0, 1, {4}), list({1}, {0})}},
                  "[attention_leakage] attention (4) must be (..., queries, tokens), not empty"},
                 {{"column", {uniform(0, 1, {2, 3}), list({1}, {3})}},
                  "[attention_leakage] foreign[0] = 3 must be a column of attention, got attention (2, 3)"},
                 {{"twice", {uniform(0, 1, {2, 3}), list({2}, {1, 1})}},
                  "[attention_leakage] foreign names column 1 twice"}},
      .apply = [](const Call& c) -> Outputs {
        const AttentionLeakage l = attention_leakage(c[0], c[1]);
        return {l.value, l.per_query, l.normalised};
      },
      .outputs = {"value", "per_query", "normalised"}};
  return info;
}

}  // namespace triptych

#include "ops/top_k_gates.h"

#include <algorithm>

#include "backends/mutant.h"
#include "core/require.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
top_k_gates: probs P (tokens, experts)  ->  gates G (tokens, k), index int32 (tokens, k)

  forward   index_tj = the j-th largest entry of row t, the first of equals first; entries that are 0 are not chosen
            G_tj = P[t, index_tj],   renormalised  G_tj / S_t,  S_t = sum_j P[t, index_tj];   nothing chosen: 0, -1
  backward  dP[t, index_tj] = dG_tj,   renormalised  (dG_tj - sum_i dG_ti G_ti) / S_t;   0 elsewhere
  saves     index; renormalised also G and S
  kinks     where two entries change places the index jumps; it has no gradient
  edge      k = 1 renormalised is refused: its gate is 1 whatever the router says
  source    Shazeer et al. 2017, arXiv 1701.06538, section 2.1; renormalised as in Lepikhin et al. 2020, arXiv
            2006.16668, algorithm 1; not renormalised as in Fedus et al. 2022, arXiv 2101.03961, eq. 2
)";

template <class F>
void each(DType t, F&& f) {
  t == DType::f32 ? f(float{}) : f(double{});
}

// Writes the k places of largest entries of row (n), -1 past those that are not 0. NaN counts as largest, so that it
// is not lost.
template <class T>
void choose(const T* row, std::int64_t n, std::int64_t k, std::int32_t* chosen) {
  std::int64_t count = 0;
  for (std::int64_t e = 0; e < n; ++e) {
    if (row[e] == 0) continue;
    std::int64_t at = count;
    while (at > 0 && !(row[e] <= row[chosen[at - 1]])) --at;
    if (at == k) continue;
    for (std::int64_t j = std::min(count, k - 1); j > at; --j) chosen[j] = chosen[j - 1];
    chosen[at] = static_cast<std::int32_t>(e);
    count = std::min(count + 1, k);
  }
  for (; count < k; ++count) chosen[count] = -1;
}

}  // namespace

TopKGates top_k_gates(const Var& probs, int k, bool renormalise) {
  require(probs.shape().rank() == 2, "top_k_gates", "probs", probs, "(tokens, experts)");
  const std::int64_t tokens = probs.shape()[0], experts = probs.shape()[1];
  require(k >= 1 && k <= experts, "top_k_gates", "k", k, "in [1, number of experts]");
  require(k >= 2 || !renormalise, "top_k_gates", "k", k,
          "at least 2 with renormalise: a gate that is always 1 gives the router no gradient");
  const DType dtype = probs.dtype();
  Tensor gates({tokens, k}, dtype), index({tokens, k}, DType::i32), total({tokens}, dtype);
  each(dtype, [&]<class T>(T) {
    for (std::int64_t t = 0; t < tokens; ++t) {
      const T* row = probs.value().data<T>() + t * experts;
      std::int32_t* chosen = index.data<std::int32_t>() + t * k;
      T *g = gates.data<T>() + t * k, sum = 0;
      choose(row, experts, k, chosen);
      for (std::int64_t j = 0; j < k; ++j) sum += g[j] = chosen[j] < 0 ? T{0} : row[chosen[j]];
      for (std::int64_t j = 0; j < k && renormalise; ++j) g[j] = chosen[j] < 0 ? T{0} : g[j] / sum;
      total.data<T>()[t] = sum;
    }
  });
  const Var chosen = probs.tape().constant(index);
  return {record("top_k_gates", gates, {probs},
                 [=](const Tensor& dg) -> Grads {
                   Tensor dp = Tensor::zeros({tokens, experts}, dtype);
                   each(dtype, [&]<class T>(T) {
                     for (std::int64_t t = 0; t < tokens; ++t) {
                       const T *d = dg.data<T>() + t * k, *g = gates.data<T>() + t * k;
                       T mean = 0;
                       for (std::int64_t j = 0; j < k && renormalise; ++j) mean += d[j] * g[j];
                       for (std::int64_t j = 0; j < k; ++j) {
                         const std::int32_t e = index.data<std::int32_t>()[t * k + j];
                         if (e < 0) continue;
                         T& to = dp.data<T>()[t * experts + e];
                         to =
                             renormalise ? (d[j] - TRIPTYCH_TERM("top_k_gates.mean", mean)) / total.data<T>()[t] : d[j];
                       }
                     }
                   });
                   return {dp};
                 }),
          chosen};
}

const OpInfo& top_k_gates_info() {
  const Draw three = list({3, 4}, {.1, .5, .3, .15, .7, .05, .25, .4, .2, .6, .12, .31});
  static const OpInfo info{
      .name = "top_k_gates",
      .formula = formula,
      .inputs = {{"probs", "(tokens, experts)"}},
      .params = {{"k", 1.0, "experts a token is sent to"},
                 {"renormalise", false, "divide the gates of a token by their sum"}},
      .samples = {{"top_1", {three}},
                  {"top_2", {three}, {{"k", 2.0}}},
                  {"top_2_renormalised", {three}, {{"k", 2.0}, {"renormalise", true}}},
                  {"all", {three}, {{"k", 4.0}, {"renormalise", true}}}},
      .errors =
          {{{"rank", {normal(3)}}, "[top_k_gates] probs (3) must be (tokens, experts)"},
           {{"k", {normal(2, 3)}, {{"k", 4.0}}}, "[top_k_gates] k = 4 must be in [1, number of experts]"},
           {{"fraction", {normal(2, 3)}, {{"k", 1.5}}}, "[top_k_gates] k = 1.5 must be a whole number from 0 to 65536"},
           {{"constant_gate", {normal(2, 3)}, {{"renormalise", true}}},
            "[top_k_gates] k = 1 must be at least 2 with renormalise: a gate that is always 1 gives the router no "
            "gradient"}},
      .apply = [](const Call& c) -> Outputs {
        const TopKGates g = top_k_gates(c[0], static_cast<int>(c.integer("k", 0, 65536)), c.flag("renormalise"));
        return {g.gates, g.index};
      },
      .reference = [](const Call& c) -> Outputs {  // the rank of an entry is the number of those before it
        const Tensor& p = c[0].value();
        const auto k = c.integer("k", 0, 65536);
        const std::int64_t tokens = p.shape()[0], experts = p.shape()[1];
        Tensor gates = Tensor::zeros({tokens, k}, p.dtype()), index = Tensor::zeros({tokens, k}, DType::i32);
        for (std::int64_t t = 0; t < tokens; ++t) {
          double sum = 0;
          for (std::int64_t e = 0; e < experts; ++e) {
            std::int64_t rank = 0;
            for (std::int64_t o = 0; o < experts; ++o)
              rank += p.at(t * experts + o) > p.at(t * experts + e) ||
                      (o < e && p.at(t * experts + o) == p.at(t * experts + e));
            if (rank >= k) continue;
            gates.set(t * k + rank, p.at(t * experts + e));
            index.set(t * k + rank, static_cast<double>(e));
            sum += p.at(t * experts + e);
          }
          for (std::int64_t j = 0; j < k && c.flag("renormalise"); ++j) gates.set(t * k + j, gates.at(t * k + j) / sum);
        }
        return {c.tape.constant(gates), c.tape.constant(index)};
      },
      .outputs = {"gates", "index"}};
  return info;
}

}  // namespace triptych

#include "app/evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "core/error.h"
#include "metrics/cka.h"
#include "metrics/health.h"
#include "metrics/held_out_cca.h"
#include "metrics/leakage.h"
#include "metrics/logistic_probe.h"
#include "metrics/retrieval.h"
#include "metrics/ridge_probe.h"

namespace triptych::app {
namespace {

using Views = std::vector<const CodedBlock*>;

constexpr double probe_c = 0.1;        // of the logistic probes
constexpr double ridge_of_rows = 0.1;  // of the linear ones, per row

Views views_of(const std::vector<CodedBlock>& blocks, std::size_t modality) {
  Views v;
  for (const CodedBlock& b : blocks)
    if (b.modality == modality) v.push_back(&b);
  return v;
}

Tensor stacked(const std::vector<Tensor>& parts) {
  std::int64_t n = 0;
  for (const Tensor& t : parts) n += t.shape()[0];
  Tensor all({n, parts.front().shape()[1]}, parts.front().dtype());
  char* at = all.data<char>();
  for (const Tensor& t : parts) {
    std::memcpy(at, t.data<const char>(), static_cast<std::size_t>(t.bytes()));
    at += t.bytes();
  }
  return all;
}

Tensor stacked(const Views& views, Tensor CodedBlock::*code) {
  std::vector<Tensor> parts;
  for (const CodedBlock* v : views) parts.push_back(v->*code);
  return stacked(parts);
}

Tensor stacked_values(const Views& views, std::size_t factor) {
  std::vector<Tensor> parts;
  for (const CodedBlock* v : views) parts.push_back(v->factors[factor].values);
  return stacked(parts);
}

std::vector<std::int32_t> stacked_labels(const Views& views, std::size_t factor) {
  std::vector<std::int32_t> all;
  for (const CodedBlock* v : views) {
    const auto& labels = v->factors[factor].labels;
    all.insert(all.end(), labels.begin(), labels.end());
  }
  return all;
}

struct Side {
  const char* prefix;
  Tensor CodedBlock::*code;
};
const Side private_side{"private.", &CodedBlock::private_code}, shared_side{"shared.", &CodedBlock::shared_code};

void add_retrieval(const Codes& codes, Evaluation& e) {
  e.recall.assign(e.k.size(), 0);
  std::int64_t runs = 0;
  for (std::size_t a = 0; a < codes.modalities.size(); ++a)
    for (std::size_t b = 0; b < codes.modalities.size(); ++b) {
      if (a == b) continue;
      Retrieval r{codes.modalities[a], codes.modalities[b], std::vector<double>(e.k.size(), 0)};
      const Views from = views_of(codes.test, a), to = views_of(codes.test, b);
      for (const CodedBlock* q : from)
        for (const CodedBlock* g : to) {
          const metrics::Recall one = metrics::recall_at(q->shared_code, g->shared_code, e.k);
          for (std::size_t i = 0; i < e.k.size(); ++i) {
            r.recall[i] += one.value[i];
            e.recall[i] += one.value[i];
          }
          e.tied += one.tied;
          e.chance = one.chance;
          ++runs;
        }
      for (double& x : r.recall) x /= static_cast<double>(from.size() * to.size());
      e.directions.push_back(std::move(r));
    }
  for (double& x : e.recall) x /= static_cast<double>(runs);
  e.tied /= static_cast<double>(runs);
}

// What is there beyond guessing, from 0 to 1.
std::optional<double> excess(const Probe& p) {
  return metrics::chance_corrected(std::max(p.value, p.chance), p.chance);
}

// R^2 of a real factor given those that the code should hold, when it should not hold this one: what a perfect code
// would score where the process makes its factors depend on each other.
double expected(const Views& train, const Views& test, std::size_t f, bool of_private) {
  const std::vector<Factor>& factors = test.front()->factors;
  const auto holder = of_private ? Factor::Holder::own : Factor::Holder::shared;
  std::vector<std::size_t> held;
  for (std::size_t i = 0; i < factors.size(); ++i)
    if (factors[i].holder == holder && factors[i].values) held.push_back(i);
  if (held.empty() || factors[f].holder == holder) return 0;
  const auto beside = [&](const Views& views) {
    std::int64_t width = 0, at = 0;
    for (const std::size_t i : held) width += factors[i].values.shape()[1];
    Tensor all({stacked_values(views, held[0]).shape()[0], width}, DType::f32);
    for (const std::size_t i : held) {
      const Tensor one = stacked_values(views, i);
      const std::int64_t columns = one.shape()[1];
      for (std::int64_t r = 0; r < one.shape()[0]; ++r)
        std::copy_n(one.data<float>() + r * columns, columns, all.data<float>() + r * width + at);
      at += columns;
    }
    return all;
  };
  return std::max(
      0.0, metrics::linear_probe_r2(beside(train), stacked_values(train, f), beside(test), stacked_values(test, f))
               .value_or(0));
}

// A class is probed from unit rows, as retrieval sees them. A real factor may lie in a code's length, so R^2 is that of
// the code as it is.
std::optional<Probe> probe(const Views& train, const Views& test, std::size_t f, bool of_private) {
  const Factor& factor = test.front()->factors[f];
  const auto code = of_private ? &CodedBlock::private_code : &CodedBlock::shared_code;
  Probe p{"", factor.name};
  if (factor.values) {
    const auto raw = of_private ? code : &CodedBlock::raw_shared_code;
    const auto r2 = metrics::linear_probe_r2(stacked(train, raw), stacked_values(train, f), stacked(test, raw),
                                             stacked_values(test, f));
    if (!r2) return std::nullopt;
    p.value = *r2;
    p.n = stacked_values(test, f).shape()[0];
    p.metric = "r2";
    p.chance = expected(train, test, f, of_private);
    return p;
  }
  const auto train_labels = stacked_labels(train, f), test_labels = stacked_labels(test, f);
  if (std::set(train_labels.begin(), train_labels.end()).size() < 2) return std::nullopt;
  const metrics::ProbeScore s =
      metrics::logistic_probe(stacked(train, code), train_labels, stacked(test, code), test_labels, probe_c);
  p.value = s.accuracy;
  p.chance = std::max(s.chance, s.majority);
  p.n = s.n;
  return p;
}

void add_probes(const Codes& codes, std::size_t m, Evaluation& e) {
  const Views train = views_of(codes.train, m), test = views_of(codes.test, m);
  if (train.empty() || test.empty() || train.front()->item.empty()) return;
  for (std::size_t f = 0; f < test.front()->factors.size(); ++f)
    for (const Side& side : {private_side, shared_side}) {
      const bool of_private = side.code == private_side.code;
      std::optional<Probe> p = probe(train, test, f, of_private);
      if (!p) continue;
      p->code = side.prefix + codes.modalities[m];
      const Factor::Holder holder = test.front()->factors[f].holder;
      p->wanted = holder == (of_private ? Factor::Holder::own : Factor::Holder::shared);
      if (holder == Factor::Holder::any) p->wanted.reset();
      if (p->wanted == false) e.leakage.push_back({p->code, p->factor, excess(*p)});
      e.probes.push_back(std::move(*p));
    }
}

// Mean over pairs of views; within a modality each view with itself.
Similarity similarity(const Codes& codes, std::size_t a, const Side& of_a, std::size_t b, const Side& of_b,
                      bool wanted) {
  Similarity s{of_a.prefix + codes.modalities[a], of_b.prefix + codes.modalities[b], {}, wanted};
  double sum = 0;
  int count = 0;
  for (const CodedBlock* x : views_of(codes.test, a))
    for (const CodedBlock* y : views_of(codes.test, b)) {
      if ((a == b && x != y) || x->item.size() < 4) continue;
      const auto value = metrics::cka(x->*of_a.code, y->*of_b.code);
      if (!value) return s;
      sum += *value;
      ++count;
    }
  if (count > 0) s.value = sum / count;
  return s;
}

void add_cka(const Codes& codes, Evaluation& e) {
  const std::size_t n = codes.modalities.size();
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = a + 1; b < n; ++b) {
      e.cka.push_back(similarity(codes, a, shared_side, b, shared_side, true));
      e.cka.push_back(similarity(codes, a, private_side, b, private_side, false));
    }
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < n; ++b) e.cka.push_back(similarity(codes, a, private_side, b, shared_side, false));
}

// Without labels: what a linear map of the private code knows of another modality's shared code.
void add_linear_leakage(const Codes& codes, Evaluation& e) {
  for (std::size_t a = 0; a < codes.modalities.size(); ++a)
    for (std::size_t b = 0; b < codes.modalities.size(); ++b) {
      const Views train_a = views_of(codes.train, a), train_b = views_of(codes.train, b);
      if (a == b || train_a.empty() || train_a.front()->item.size() < 2) continue;
      const double ridge = ridge_of_rows * static_cast<double>(train_a.front()->item.size());
      e.leakage.push_back({"private." + codes.modalities[a], "shared." + codes.modalities[b],
                           metrics::linear_probe_r2(train_a.front()->private_code, train_b.front()->shared_code,
                                                    views_of(codes.test, a).front()->private_code,
                                                    views_of(codes.test, b).front()->shared_code, {ridge})});
    }
}

// What the other modalities write into a private code: the share of its variance that goes when they do.
void add_input_leakage(const Codes& codes, std::size_t m, Evaluation& e) {
  const Views test = views_of(codes.test, m);
  if (test.empty() || !test.front()->lone_private_code) return;
  const Tensor with = stacked(test, &CodedBlock::private_code), alone = stacked(test, &CodedBlock::lone_private_code);
  const std::int64_t n = with.shape()[0], width = with.shape()[1];
  double moved = 0, spread = 0;
  for (std::int64_t j = 0; j < width; ++j) {
    double mean = 0;
    for (std::int64_t i = 0; i < n; ++i) mean += with.at(i * width + j) / static_cast<double>(n);
    for (std::int64_t i = 0; i < n; ++i) {
      const double z = with.at(i * width + j), gone = alone.at(i * width + j) - z;
      moved += gone * gone;
      spread += (z - mean) * (z - mean);
    }
  }
  std::optional<double> share;
  if (spread > 0) share = moved / spread;
  e.leakage.push_back({"private." + codes.modalities[m], "other modalities", share});
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

void add_task(const Codes& codes, Evaluation& e) {
  if (!codes.predicted) return;
  const auto& factors = codes.test.front().factors;
  const auto label = std::ranges::find(factors, Factor::Holder::any, &Factor::holder);
  if (label == factors.end()) return;
  TaskScore s;
  s.n = codes.predicted.shape()[0];
  const std::int64_t width = codes.predicted.shape()[1];
  if (label->values) {
    const auto r2 = metrics::r2_score(codes.predicted, label->values);
    if (!r2) return;  // every target is constant
    s.metric = "r2";
    s.value = *r2;
    e.task = s;
    return;
  }
  std::map<std::int32_t, std::int64_t> count;
  std::int64_t right = 0, most = 0;
  for (std::int64_t i = 0; i < s.n; ++i) {
    std::int64_t best = 0;
    for (std::int64_t k = 1; k < width; ++k)
      if (codes.predicted.at(i * width + k) > codes.predicted.at(i * width + best)) best = k;
    const std::int32_t truth = label->labels[static_cast<std::size_t>(i)];
    right += best == truth;
    most = std::max(most, ++count[truth]);
  }
  s.value = static_cast<double>(right) / static_cast<double>(s.n);
  s.chance = static_cast<double>(most) / static_cast<double>(s.n);
  e.task = s;
}

}  // namespace

Codes all_codes(const Model& model, const DataSource& data) {
  Codes codes;
  for (const ModalitySpec& m : data.modalities()) codes.modalities.push_back(m.name);
  if (data.train_items() > 0) codes.train = encode(model, complete(data.blocks(false)));
  const auto& terms = model.config().objective;
  const bool task =
      std::ranges::any_of(terms, [](const TermConfig& t) { return t.on == std::vector<std::string>{"task"}; });
  if (data.test_items() > 0) {
    std::vector<Block> blocks = complete(data.blocks(true));
    if (task && data.label_outputs() > 0) {
      std::vector<const Block*> views;
      for (const Block& b : blocks) views.push_back(&b);
      codes.predicted = encode_joint(model, views, &Factors::task);
    }
    codes.test = encode(model, std::move(blocks), true);
  }
  for (auto* blocks : {&codes.train, &codes.test})
    for (CodedBlock& b : *blocks) b.shared_code = unit_rows(b.shared_code);
  return codes;
}

Evaluation evaluate(const Codes& codes) {
  if (codes.test.empty())
    throw Error(Exit::input, "eval.items", "the data holds out no items, so nothing can be judged");
  Evaluation e;
  e.train_items = codes.train.empty() ? 0 : std::ssize(codes.train.front().item);
  e.test_items = std::ssize(codes.test.front().item);
  add_retrieval(codes, e);
  for (std::size_t m = 0; m < codes.modalities.size(); ++m) add_probes(codes, m, e);
  if (e.leakage.empty()) add_linear_leakage(codes, e);
  for (std::size_t m = 0; m < codes.modalities.size(); ++m) add_input_leakage(codes, m, e);
  add_total_correlation(codes, e);
  add_task(codes, e);
  add_cka(codes, e);
  for (std::size_t m = 0; m < codes.modalities.size(); ++m)
    for (const Side& side : {private_side, shared_side}) {
      const Tensor z = stacked(views_of(codes.test, m), side.code);
      e.ranks.push_back({side.prefix + codes.modalities[m], metrics::effective_rank(z, true), z.shape()[1]});
    }
  return e;
}

}  // namespace triptych::app

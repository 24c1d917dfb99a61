#include <algorithm>
#include <set>

#include "app/evaluation_parts.h"
#include "metrics/leakage.h"
#include "metrics/logistic_probe.h"
#include "metrics/ridge_probe.h"

namespace triptych::app {
namespace {

constexpr double probe_c = 0.1;        // of the logistic probes
constexpr double ridge_of_rows = 0.1;  // of the linear ones, per row

double corrected(double value, double chance) {
  return metrics::chance_corrected(std::clamp(value, chance, 1.0), chance).value_or(0);
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
// the code as it is. Without a probe `why` says the reason.
std::optional<Probe> probe(const Views& train, const Views& test, std::size_t f, bool of_private, std::string& why) {
  const Factor& factor = test.front()->factors[f];
  const auto code = of_private ? &CodedBlock::private_code : &CodedBlock::shared_code;
  const std::vector<std::int32_t> items = stacked_items(test);
  Probe p{"", factor.name};
  if (factor.values) {
    const auto raw = of_private ? code : &CodedBlock::raw_shared_code;
    const Tensor known = stacked_values(train, f), truth = stacked_values(test, f);
    if (known.shape()[0] < 2 || truth.shape()[0] < 2) return why = "fewer than 2 items", std::nullopt;
    const Tensor predicted = metrics::linear_prediction(stacked(train, raw), known, stacked(test, raw));
    const auto r2 = metrics::r2_score(predicted, truth);
    if (!r2) return why = "the factor is constant on the held-out items", std::nullopt;
    p.value = *r2;
    p.n = truth.shape()[0];
    p.metric = "r2";
    p.chance = expected(train, test, f, of_private);
    p.interval = metrics::r2_interval(predicted, truth, items);
    return p;
  }
  const auto train_labels = stacked_labels(train, f), test_labels = stacked_labels(test, f);
  if (std::set(train_labels.begin(), train_labels.end()).size() < 2)
    return why = "the training items are of one class", std::nullopt;
  const metrics::ProbeScore s =
      metrics::logistic_probe(stacked(train, code), train_labels, stacked(test, code), test_labels, probe_c);
  p.value = s.accuracy;
  p.chance = std::max(s.chance, s.majority);
  p.n = s.n;
  p.interval = metrics::accuracy_interval(s.right, items);
  return p;
}

}  // namespace

std::optional<double> Probe::above_chance() const {
  if (chance >= 1) return std::nullopt;
  return corrected(value, chance);
}

std::optional<Interval> Probe::above_chance_interval() const {
  if (chance >= 1 || !interval) return std::nullopt;
  return Interval{corrected(interval->low, chance), corrected(interval->high, chance)};
}

void add_probes(const Codes& codes, std::size_t m, Evaluation& e) {
  const Views train = views_of(codes.train, m), test = views_of(codes.test, m);
  if (train.empty() || test.empty() || train.front()->item.empty()) return;
  for (std::size_t f = 0; f < test.front()->factors.size(); ++f)
    for (const Side& side : {private_side, shared_side}) {
      const bool of_private = side.code == private_side.code;
      const Factor& factor = test.front()->factors[f];
      const std::string code = side.prefix + codes.modalities[m];
      std::string why;
      std::optional<Probe> p = probe(train, test, f, of_private, why);
      if (!p) {
        e.undefined.push_back({"probe of " + factor.name + " in " + code, why});
        continue;
      }
      p->code = code;
      p->wanted = factor.holder == (of_private ? Factor::Holder::own : Factor::Holder::shared);
      if (factor.holder == Factor::Holder::any) p->wanted.reset();
      if (!p->above_chance())
        e.undefined.push_back({factor.name + " in " + code + " above chance", "the held-out items are of one class"});
      if (p->wanted == false) e.leakage.push_back({code, p->factor, p->above_chance(), p->above_chance_interval()});
      e.probes.push_back(std::move(*p));
    }
}

void add_linear_leakage(const Codes& codes, Evaluation& e) {
  for (std::size_t a = 0; a < codes.modalities.size(); ++a)
    for (std::size_t b = 0; b < codes.modalities.size(); ++b) {
      const Views train_a = views_of(codes.train, a), train_b = views_of(codes.train, b);
      if (a == b || train_a.empty()) continue;
      const CodedBlock &known = *train_a.front(), &test_a = *views_of(codes.test, a).front(),
                       &test_b = *views_of(codes.test, b).front();
      Leak leak{private_side.prefix + codes.modalities[a], shared_side.prefix + codes.modalities[b], {}};
      std::string why = "fewer than 2 training or held-out items";
      if (known.item.size() >= 2 && test_a.item.size() >= 2) {
        const double ridge = ridge_of_rows * static_cast<double>(known.item.size());
        const Tensor predicted =
            metrics::linear_prediction(known.private_code, train_b.front()->shared_code, test_a.private_code, {ridge});
        const auto corrected_r2 = [](double r2) { return std::clamp(r2, 0.0, 1.0); };
        if (const auto r2 = metrics::r2_score(predicted, test_b.shared_code)) leak.value = corrected_r2(*r2);
        if (const auto i = metrics::r2_interval(predicted, test_b.shared_code, test_a.item))
          leak.interval = {corrected_r2(i->low), corrected_r2(i->high)};
        why = leak.of + " is the same for all held-out items";
      }
      if (!leak.value) e.undefined.push_back({"what " + leak.code + " knows of " + leak.of, why});
      e.leakage.push_back(std::move(leak));
    }
}

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
  Leak leak{private_side.prefix + codes.modalities[m], foreign_input, {}};
  if (spread > 0) leak.value = moved / spread;
  if (!leak.value)
    e.undefined.push_back({"what other modalities write into " + leak.code, leak.code + " is the same for all items"});
  e.leakage.push_back(std::move(leak));
}

}  // namespace triptych::app

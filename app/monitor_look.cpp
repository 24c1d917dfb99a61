#include "app/monitor_look.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "metrics/cka.h"
#include "metrics/health.h"
#include "metrics/leakage.h"
#include "metrics/retrieval.h"
#include "metrics/ridge_probe.h"

namespace triptych::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr double ridge_of_rows = 0.1;

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

// Sum and number of values that have a meaning.
struct Mean {
  double sum = 0;
  int count = 0;
  void add(const std::optional<double>& x) {
    if (x) sum += *x, ++count;
  }
  std::optional<double> value() const { return count > 0 ? std::optional(sum / count) : std::nullopt; }
};

Tensor one_hot(const std::vector<std::int32_t>& labels, const std::vector<std::int32_t>& classes) {
  Tensor y = Tensor::zeros({std::ssize(labels), std::ssize(classes)}, DType::f32);
  for (std::size_t i = 0; i < labels.size(); ++i)
    y.data<float>()[i * classes.size() +
                    static_cast<std::size_t>(std::ranges::lower_bound(classes, labels[i]) - classes.begin())] = 1;
  return y;
}

// Accuracy above chance of a linear map to one-hot classes.
std::optional<double> class_probe(const Tensor& fit_x, const std::vector<std::int32_t>& fit_y, const Tensor& x,
                                  const std::vector<std::int32_t>& y, double ridge) {
  const std::set<std::int32_t> distinct(fit_y.begin(), fit_y.end());
  const std::vector<std::int32_t> classes(distinct.begin(), distinct.end());
  if (classes.size() < 2) return std::nullopt;
  const Tensor scores = metrics::linear_prediction(fit_x, one_hot(fit_y, classes), x, {ridge});
  std::int64_t right = 0, most = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double* row = scores.data<double>() + i * classes.size();
    right += classes[static_cast<std::size_t>(std::max_element(row, row + classes.size()) - row)] == y[i];
    most = std::max<std::int64_t>(most, std::ranges::count(y, y[i]));
  }
  const double n = static_cast<double>(y.size());
  const double chance = std::max(1 / static_cast<double>(classes.size()), static_cast<double>(most) / n);
  return metrics::chance_corrected(static_cast<double>(right) / n, chance);
}

std::optional<double> real_probe(const Tensor& fit_x, const Tensor& fit_y, const Tensor& x, const Tensor& y,
                                 double ridge) {
  const auto r2 = metrics::linear_probe_r2(fit_x, fit_y, x, y, {ridge});
  return r2 ? std::optional(std::clamp(*r2, 0.0, 1.0)) : std::nullopt;
}

// One look at the model: fills a line.
class Look {
 public:
  Look(const LookInputs& in, Json& line)
      : in_(in), line_(line), ridge_(ridge_of_rows * static_cast<double>(in.fit.items)) {}

  void all() {
    detail_ = {{"items", in_.test.items}, {"fitted", in_.fit.items}};
    similarity();
    if (!probes()) linear_leakage();
    routes();
    retrieval();
    for (std::size_t m = 0; m < in_.inputs.size(); ++m) {
      line_["rank/" + private_name(m)] = or_null(metrics::effective_rank(in_.test_codes.private_code[m], true));
      line_["rank/" + shared_name(m)] = or_null(metrics::effective_rank(in_.test_codes.shared_code[m], true));
    }
    line_["monitor"] = std::move(detail_);
  }

 private:
  std::string private_name(std::size_t m) const { return "private." + in_.config.modalities[m].name; }
  std::string shared_name(std::size_t m) const { return "shared." + in_.config.modalities[m].name; }

  std::optional<double> cka(const std::string& a, const Tensor& x, const std::string& b, const Tensor& y) {
    const auto value = metrics::cka(compared_rows(x), compared_rows(y));
    detail_["cka"].push_back({{"a", a}, {"b", b}, {"value", or_null(value)}});
    return value;
  }

  void similarity() {
    Mean self, cross, shared, apart, within;
    const auto& [z, s, raw, factors] = in_.test_codes;
    for (std::size_t a = 0; a < in_.inputs.size(); ++a) {
      within.add(cka(private_name(a), z[a], shared_name(a), s[a]));
      for (std::size_t b = 0; b < in_.inputs.size(); ++b) {
        const std::string input = "input." + in_.config.modalities[b].name;
        (a == b ? self : cross).add(cka(private_name(a), z[a], input, in_.inputs[b]));
        cka(shared_name(a), s[a], input, in_.inputs[b]);
        if (b <= a) continue;
        shared.add(cka(shared_name(a), s[a], shared_name(b), s[b]));
        apart.add(cka(private_name(a), z[a], private_name(b), z[b]));
      }
    }
    line_["cka/self"] = or_null(self.value());
    line_["cka/cross"] = or_null(cross.value());
    line_["cka/shared"] = or_null(shared.value());
    line_["cka/private"] = or_null(apart.value());
    line_["cka/private_shared"] = or_null(within.value());
  }

  // The most of what should be absent and the least of what should be there; false when nothing is known to be absent.
  bool probes() {
    bool any = false;
    for (std::size_t m = 0; m < in_.inputs.size(); ++m)
      for (const bool of_private : {true, false}) {
        const std::string code = of_private ? private_name(m) : shared_name(m);
        const auto own = of_private ? Factor::Holder::own : Factor::Holder::shared;
        std::optional<double> most, least;
        for (std::size_t f = 0; f < in_.test.factors[m].size(); ++f) {
          const Factor &known = in_.fit.factors[m][f], &asked = in_.test.factors[m][f];
          std::optional<double> value;
          if (asked.values) {
            const auto& codes = of_private ? &SampleCodes::private_code : &SampleCodes::raw_shared_code;
            value =
                real_probe((in_.fit_codes.*codes)[m], known.values, (in_.test_codes.*codes)[m], asked.values, ridge_);
          } else {
            const auto& codes = of_private ? &SampleCodes::private_code : &SampleCodes::shared_code;
            value =
                class_probe((in_.fit_codes.*codes)[m], known.labels, (in_.test_codes.*codes)[m], asked.labels, ridge_);
          }
          detail_["probes"][code][asked.name] = or_null(value);
          if (!value || asked.holder == Factor::Holder::any) continue;
          if (asked.holder == own)
            least = std::min(least.value_or(1), *value);
          else
            most = std::max(most.value_or(0), *value);
        }
        if (least) line_["holds/" + code] = *least;
        if (most) line_["leakage/" + code] = *most;
        any = any || most;
      }
    return any;
  }

  void linear_leakage() {
    for (std::size_t a = 0; a < in_.inputs.size(); ++a) {
      std::optional<double> most;
      for (std::size_t b = 0; b < in_.inputs.size(); ++b) {
        if (a == b) continue;
        const auto value = real_probe(in_.fit_codes.private_code[a], in_.fit_codes.shared_code[b],
                                      in_.test_codes.private_code[a], in_.test_codes.shared_code[b], ridge_);
        detail_["probes"][private_name(a)][shared_name(b)] = or_null(value);
        if (value) most = std::max(most.value_or(0), *value);
      }
      line_["leakage/" + private_name(a)] = or_null(most);
    }
  }

  void routes() {
    Mean attention, routing;
    for (const AttentionMap& map : in_.test_codes.factors.attention) {
      if (map.reader != AttentionMap::Reader::private_code || !map.foreign) continue;
      const Tensor& columns = map.foreign.value();
      std::vector<std::int64_t> foreign;
      for (std::int64_t i = 0; i < columns.size(); ++i) foreign.push_back(static_cast<std::int64_t>(columns.at(i)));
      Json heads = Json::array();
      for (const metrics::AttentionLeakage& head :
           metrics::attention_leakage_per_head(map.probs.value(), foreign, map.mask ? map.mask.value() : Tensor{})) {
        heads.push_back({{"value", head.value}, {"chance", head.chance}});
        attention.add(head.normalised);
      }
      detail_["attention"].push_back({{"code", private_name(map.modality)}, {"heads", std::move(heads)}});
    }
    for (const Routing& route : in_.test_codes.factors.routing) {
      double foreign = 0;  // share of the experts
      const Tensor allowed = route.allowed ? route.allowed.value() : Tensor{};
      for (std::int64_t i = 0; allowed && i < allowed.size(); ++i)
        foreign += (1 - allowed.at(i)) / static_cast<double>(allowed.size());
      routing.add(foreign > 0 ? route.leakage / foreign : 0);
    }
    if (attention.value()) line_["leakage/attention"] = *attention.value();
    if (routing.value()) line_["leakage/routing"] = *routing.value();
  }

  void retrieval() {
    Mean recall;
    for (std::size_t a = 0; a < in_.inputs.size(); ++a)
      for (std::size_t b = 0; b < in_.inputs.size(); ++b)
        if (a != b)
          recall.add(
              metrics::recall_at(in_.test_codes.shared_code[a], in_.test_codes.shared_code[b], {1}).value.front());
    line_["recall_at_1"] = or_null(recall.value());
  }

  const LookInputs& in_;
  Json& line_;
  Json detail_;
  double ridge_;
};

}  // namespace

void look(const LookInputs& in, Json& line) { Look(in, line).all(); }

Tensor compared_rows(const Tensor& t) {
  constexpr std::int64_t n = 128;
  if (t.shape()[0] <= n) return t;
  const std::int64_t width = t.shape()[1];
  Tensor out({n, width}, t.dtype());
  std::copy_n(t.data<const char>(), out.bytes(), out.data<char>());
  return out;
}

}  // namespace triptych::app

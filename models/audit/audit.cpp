#include "models/audit/audit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "core/rng.h"
#include "models/audit/changes.h"
#include "models/audit/recording.h"
#include "models/audit/tape_names.h"
#include "models/audit/tape_walk.h"

namespace triptych {
namespace {

constexpr int draws = 4;
constexpr std::uint64_t seed = 37;
constexpr double rounding = 1e-9;  // of a code computed among other shapes or groups, over its largest entry

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// The largest difference in rows [from, to); infinite where NaN comes or goes.
double moved(const Tensor& a, const Tensor& b, std::int64_t from, std::int64_t to) {
  double worst = 0;
  const std::int64_t width = a.size() / a.shape()[0];
  for (std::int64_t i = from * width; i < to * width; ++i) {
    const double x = a.at(i), y = b.at(i);
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    worst = std::max(worst, std::isnan(x - y) ? std::numeric_limits<double>::infinity() : std::abs(x - y));
  }
  return worst;
}

double largest(const Tensor& a) { return moved(a, Tensor::zeros(a.shape(), a.dtype()), 0, a.shape()[0]); }

double squares(const Tensor& g, std::int64_t without_row = -1) {
  double sum = 0;
  const std::int64_t row = g && without_row >= 0 ? g.size() / g.shape()[0] : 1;
  for (std::int64_t i = 0; g && i < g.size(); ++i)
    sum += without_row >= 0 && i / row == without_row ? 0 : g.at(i) * g.at(i);
  return sum;
}

// Normal numbers in rows [from, to), 0 elsewhere.
Tensor upstream(const Tensor& code, std::uint64_t stream, std::int64_t from, std::int64_t to) {
  Tensor u = Tensor::zeros(code.shape(), code.dtype());
  Rng rng(seed, stream);
  const std::int64_t width = code.size() / code.shape()[0];
  for (std::int64_t i = from * width; i < to * width; ++i) u.set(i, rng.normal());
  return u;
}

Batch with(const Batch& of, std::size_t modality, ModalityBatch other) {
  Batch out = of;
  out.modalities[modality] = std::move(other);
  return out;
}

class Auditor {
 public:
  explicit Auditor(const AuditSubject& s) : s_(s), base_(s, s.batch) {
    for (std::size_t m = 0; m < s.modalities.size(); ++m)
      real_.push_back(s.batch.modalities[m].values ? real_data_of(base_, m) : std::vector<int>{});
  }

  Audit run() {
    out_.nodes = base_.tape.size();
    out_.draws = draws;
    for (const AuditedCode& code : base_.pass.codes)
      for (std::size_t m = 0; code.value && m < s_.modalities.size(); ++m)
        if (s_.batch.modalities[m].values)
          out_.dependences.push_back(
              {.code = code.name,
               .modality = m,
               .is_private = code.is_private,
               .allowed = std::find(code.readers.begin(), code.readers.end(), m) != code.readers.end()});
    for (const AuditedCode& code : base_.pass.codes)
      if (code.value) differentiate(code);
    for (std::size_t m = 0; m < s_.modalities.size(); ++m)
      if (s_.batch.modalities[m].values) change(m);
    others_change();
    find_common();
    return std::move(out_);
  }

 private:
  Dependence& of(const std::string& code, std::size_t m) {
    return *std::find_if(out_.dependences.begin(), out_.dependences.end(),
                         [&](const Dependence& d) { return d.code == code && d.modality == m; });
  }

  void differentiate(const AuditedCode& code) {
    AcrossSamples across{code.name};
    const std::int64_t rows = code.value.shape()[0];
    std::vector<double> norm(s_.modalities.size());
    for (int draw = 0; draw < draws; ++draw) {
      const std::vector<Tensor> g =
          adjoints(base_.tape, code.value, upstream(code.value.value(), static_cast<std::uint64_t>(draw), 0, rows));
      for (std::size_t m = 0; m < real_.size(); ++m)
        for (const int x : real_[m]) norm[m] += squares(g[at(x)]) / draws;
      for (std::size_t i = 0; i < s_.parameters.size(); ++i)
        if (squares(g[at(base_.context.parameters()[i].id())]) > 0) readers_[i].insert(code.name);
    }
    for (std::size_t m = 0; m < real_.size(); ++m)
      if (s_.batch.modalities[m].values) {
        const bool whole =
            std::all_of(real_[m].begin(), real_[m].end(), [&](int x) { return base_.tape.node(x).requires_grad; });
        of(code.name, m).jacobian = whole ? std::optional(std::sqrt(norm[m])) : std::nullopt;
      }
    // One sample's code by the data of the others.
    for (const std::int64_t row : {std::int64_t{0}, rows / 2, rows - 1}) {
      const std::vector<Tensor> g = adjoints(base_.tape, code.value, upstream(code.value.value(), draws, row, row + 1));
      double sum = 0;
      for (const std::vector<int>& real : real_)
        for (const int x : real)
          if (g[at(x)] && g[at(x)].shape()[0] == rows) sum += squares(g[at(x)], row);
      across.jacobian = std::max(across.jacobian, std::sqrt(sum));
    }
    out_.across.push_back(across);
  }

  void change(std::size_t m) {
    const ModalityBatch& own = s_.batch.modalities[m];
    const std::pair<std::string_view, ModalityBatch> others[] = {
        {"redrawn", redrawn(own, s_.modalities[m], m)}, {"enlarged", enlarged(own)}, {"rotated", rotated(own)}};
    const std::vector<bool> source = data_of(base_, m);
    for (const auto& [by, other] : others) {
      Recording r(s_, with(s_.batch, m, other));
      const bool comparable = same_form(base_.tape, r.tape);
      for (std::size_t i = 0; i < base_.pass.codes.size(); ++i)
        if (base_.pass.codes[i].value) compare(i, m, by, r, comparable, source);
    }
    if (s_.training || s_.modalities.size() < 2) return;  // training draws as many random numbers as there is to read
    const Recording without(s_, with(s_.batch, m, {}));
    for (std::size_t i = 0; i < base_.pass.codes.size(); ++i) {
      if (!base_.pass.codes[i].value || !without.pass.codes[i].value) continue;
      const Tensor &a = base_.pass.codes[i].value.value(), &b = without.pass.codes[i].value.value();
      const double far = moved(a, b, 0, a.shape()[0]);
      Dependence& d = of(base_.pass.codes[i].name, m);
      if (far > rounding * largest(a) && far > d.moved) d.moved = far, d.by = "absent";
    }
  }

  // Code i in a recording with other data of modality m.
  void compare(std::size_t i, std::size_t m, std::string_view by, const Recording& r, bool comparable,
               const std::vector<bool>& source) {
    const Var& code = base_.pass.codes[i].value;
    Dependence& d = of(base_.pass.codes[i].name, m);
    if (const double far = moved(code.value(), r.pass.codes[i].value.value(), 0, code.shape()[0]); far > d.moved)
      d.moved = far, d.by = by;
    if (!comparable) {  // what is read depends on the data
      d.path = true;
      return;
    }
    const std::vector<bool> under = ancestors(base_.tape, code);
    for (int id = 0; id <= code.id() && !d.path; ++id)
      if (under[at(id)] && base_.tape.node(id).inputs.empty())
        d.path = source[at(id)] || changed(base_.tape, r.tape, id);
    std::int64_t turned = 0;
    for (const int id : choices_of_experts(base_.tape)) {
      const Tensor &a = base_.tape.node(id).value, &b = r.tape.node(id).value;
      for (std::int64_t k = 0; under[at(id)] && k < a.size(); ++k) turned += a.at(k) != b.at(k);
    }
    d.choices = std::max(d.choices, turned);
    if (d.allowed || !d.way.empty() || !d.seen()) return;
    if (names_.empty()) name_nodes();
    for (const int id : carrying_path(base_.tape, r.tape, code, source)) {
      const Tape::Node& node = base_.tape.node(id);
      d.way.push_back({id, names_[at(id)], std::string(node.op), node.value.shape()});
    }
  }

  void name_nodes() {
    names_ = tape_names(base_.context, s_.parameters, s_.modalities, s_.batch);
    for (const AuditedInput& in : base_.pass.inputs)
      names_[at(in.leaf.id())] = s_.modalities[in.modality].name + (in.part.empty() ? "" : "." + std::string(in.part));
  }

  void others_change() {
    const auto any = std::find_if(base_.pass.codes.begin(), base_.pass.codes.end(),
                                  [](const AuditedCode& c) { return bool(c.value); });
    if (any == base_.pass.codes.end()) return;
    const std::int64_t rows = any->value.shape()[0];
    for (const std::int64_t row : {std::int64_t{0}, rows / 2, rows - 1}) {
      Batch others = s_.batch;
      for (std::size_t m = 0; m < s_.modalities.size(); ++m)
        if (others.modalities[m].values)
          others.modalities[m] = redrawn(others.modalities[m], s_.modalities[m], 100 + m, row);
      const Recording r(s_, others);
      for (std::size_t i = 0; i < base_.pass.codes.size(); ++i) {
        if (!base_.pass.codes[i].value) continue;
        AcrossSamples& across = *std::find_if(out_.across.begin(), out_.across.end(), [&](const AcrossSamples& a) {
          return a.code == base_.pass.codes[i].name;
        });
        const Tensor& code = base_.pass.codes[i].value.value();
        const double far = moved(code, r.pass.codes[i].value.value(), row, row + 1);
        if (far > rounding * largest(code)) across.moved = std::max(across.moved, far);
      }
    }
  }

  // A code of one modality alone brings that modality's data to the parameters it reads.
  void find_common() {
    for (const auto& [index, codes] : readers_) {
      CommonParameter p{s_.parameters[index].name, {}, {}};
      std::set<std::size_t> modalities;
      for (const AuditedCode& code : base_.pass.codes) {
        if (!codes.contains(code.name) || code.readers.size() != 1) continue;
        modalities.insert(code.readers[0]);
        if (code.is_private) p.codes.push_back(code.name);
      }
      p.modalities.assign(modalities.begin(), modalities.end());
      if (!p.codes.empty() && p.modalities.size() > 1) out_.common.push_back(std::move(p));
    }
  }

  const AuditSubject& s_;
  Recording base_;
  std::vector<std::vector<int>> real_;  // of each modality
  std::vector<std::string> names_;
  std::map<std::size_t, std::set<std::string>> readers_;  // codes by the parameter they read
  Audit out_;
};

}  // namespace

bool Audit::leaks() const {
  return std::any_of(dependences.begin(), dependences.end(), [](const Dependence& d) { return d.leak(); });
}

Audit audit(const AuditSubject& subject) { return Auditor(subject).run(); }

}  // namespace triptych

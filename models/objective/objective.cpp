#include "models/objective/objective.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "models/objective/inputs.h"
#include "models/objective/views.h"
#include "ops/add.h"
#include "ops/gather.h"
#include "ops/scale.h"

namespace triptych {
namespace {

constexpr double largest_logit_scale = 4.605170185988092;  // ln 100
constexpr double first_logit_bias = -10;                   // Zhai et al. 2023

bool compares_samples(const OpInfo& loss) {
  return loss.name == "clip" || loss.name == "info_nce" || loss.name == "siglip" || loss.name == "contrastive_distance";
}

Var plus(const Var& sum, const Var& term) { return sum ? add(sum, term) : term; }

const Var& code_of(const Factors& f, const CodeRef& ref) {
  switch (ref.side) {
    case CodeRef::Side::private_code: return f.private_codes[ref.modality];
    case CodeRef::Side::shared_code: return f.shared_codes[ref.modality];
    case CodeRef::Side::joint: return f.joint;
    default: return f.joint_tokens.x;
  }
}

// Which samples have what the code is read from; absent: all of them.
Var present_in(const ObjectiveInputs& in, const CodeRef& ref) {
  return ref.side == CodeRef::Side::joint || ref.side == CodeRef::Side::joint_tokens
             ? Var{}
             : present(in.encoded[ref.modality].h.mask);
}

// The rows where both masks (or the one that is there) are 1; absent: all rows.
Var common_rows(const Var& a, const Var& b) {
  const Var& any = a ? a : b;
  if (!any) return {};
  const std::int64_t n = any.shape()[0];
  InlineVector<std::int32_t, 512> rows;
  for (std::int64_t i = 0; i < n; ++i)
    if ((!a || a.value().at(i) != 0) && (!b || b.value().at(i) != 0)) rows.push_back(static_cast<std::int32_t>(i));
  if (static_cast<std::int64_t>(rows.size()) == n) return {};
  Tensor index({static_cast<std::int64_t>(rows.size())}, DType::i32);
  std::copy(rows.begin(), rows.end(), index.data<std::int32_t>());
  return any.tape().constant(index);
}

}  // namespace

Objective::Objective(const Init& init, const std::vector<TermConfig>& terms, const Sizes& sizes, const Scheme* tokens) {
  bool scale = false, bias = false, decode = false;
  for (TermConfig t : terms) {
    if (t.name.empty()) t.name = default_name(t);
    for (const Term& other : terms_)
      if (other.config.name == t.name)
        throw Error(Exit::usage, "objective.name", "objective: two terms are named '" + escape_text(t.name, 64) + "'",
                    {}, "give one of them another name");
    const OpInfo& loss = find_loss(t.loss);
    TermCodes codes = resolve(t, loss, sizes.modalities);
    scale = scale || has_input(loss, "logit_scale");
    bias = bias || has_input(loss, "bias");
    decode = decode || codes.on == TermCodes::On::reconstruction;
    for (const CodeTuple& tuple : codes.tuples)
      for (const CodeRef& code : {tuple.a, tuple.b}) {
        wanted_.joint = wanted_.joint || code.side == CodeRef::Side::joint || code.side == CodeRef::Side::joint_tokens;
        wanted_.joint_tokens = wanted_.joint_tokens || code.side == CodeRef::Side::joint_tokens;
      }
    terms_.push_back({std::move(t), &loss, std::move(codes), compares_samples(loss)});
  }
  if (scale) logit_scale_ = init.shared().fill("logit_scale", {}, sizes.logit_scale);
  if (bias) logit_bias_ = init.shared().fill("logit_bias", {}, first_logit_bias);
  if (decode)
    reconstruction_.emplace(init, sizes.modalities, sizes.targets, sizes.private_width, sizes.shared_width, tokens);
}

// Inputs by name; the learned scale and bias are ours, optional ones that nobody gave stay absent.
Var Objective::call(Context& c, const Term& term, std::span<const std::pair<std::string_view, Var>> inputs) const {
  InlineVector<Var, 12> in;
  for (const Input& i : term.loss->inputs) {
    const auto given = std::find_if(inputs.begin(), inputs.end(), [&](const auto& g) { return g.first == i.name; });
    if (given != inputs.end() && given->second)
      in.push_back(given->second);
    else if (i.name == "logit_scale")
      in.push_back(c[logit_scale_]);
    else if (i.name == "bias")
      in.push_back(c[logit_bias_]);
    else if (i.optional)
      in.push_back({});
    else
      throw Error(Exit::usage, "objective.on",
                  "objective '" + term.config.name + "': nothing gives the input '" + std::string(i.name) + "' of " +
                      term.config.loss);
  }
  return term.loss->apply({*term.loss, c.tape(), in, term.config.settings})[0];
}

Var Objective::of_codes(Context& c, const Term& term, const ObjectiveInputs& in) const {
  Var sum;
  // One call of the loss on (view i of a, view j of b), or on all views stacked.
  const auto once = [&](const CodeTuple& t, std::int64_t i, std::int64_t j, bool stacked) -> Var {
    const bool pair = has_input(*term.loss, "b");
    const auto part = [&](const Var& x, std::int64_t v) { return x && !stacked ? view_of(x, in.views, v) : x; };
    Var a = part(code_of(in.factors, t.a), i), b = pair ? part(code_of(in.factors, t.b), j) : Var{};
    if (!a || (pair && !b)) return {};
    const Var has_a = part(present_in(in, t.a), i), has_b = pair ? part(present_in(in, t.b), j) : Var{};
    const Var rows = common_rows(has_a, has_b);
    if (rows) {
      if (rows.shape()[0] < 2) return {};
      a = gather(a, rows);
      if (pair) b = gather(b, rows);
    }
    const std::pair<std::string_view, Var> inputs[] = {{pair ? "a" : "z", a}, {"b", b}};
    return call(c, term, std::span(inputs, pair ? 2 : 1));
  };
  for (const CodeTuple& t : term.codes.tuples) {
    if (!t.views && !term.per_view) {
      if (const Var value = once(t, 0, 0, true)) sum = plus(sum, value);
      continue;
    }
    Var of_views;
    int count = 0;
    for (std::int64_t i = 0; i < in.views; ++i)
      for (std::int64_t j = t.views ? i + 1 : 0; j < in.views; ++j)
        if (const Var value = once(t, i, j, false)) of_views = plus(of_views, value), ++count;
    if (of_views) sum = plus(sum, count == 1 ? of_views : scale(of_views, 1.0 / count));
  }
  return sum;
}

Var Objective::value(Context& c, const Term& term, const ObjectiveInputs& in) const {
  using Inputs = std::pair<std::string_view, Var>;
  Var sum;
  switch (term.codes.on) {
    case TermCodes::On::reconstruction:
      for (std::size_t m = 0; m < in.encoded.size(); ++m) {
        const auto [decoded, target, mask] = (*reconstruction_)(c, m, in.factors, in.encoded[m], in.views);
        if (!decoded) continue;
        const Inputs inputs[] = {{"a", decoded}, {"b", target}, {"mask", mask}};
        sum = plus(sum, call(c, term, inputs));
      }
      return sum;
    case TermCodes::On::routing:
      for (const Routing& r : in.factors.routing) {
        if (has_input(*term.loss, "noise") && !r.noise && !c.training()) continue;  // there is none at evaluation
        const Inputs inputs[] = {
            {"gates", r.probs}, {"logits", r.logits}, {"mask", r.mask}, {"allowed", r.allowed}, {"noise", r.noise}};
        sum = plus(sum, call(c, term, inputs));
      }
      return sum;
    case TermCodes::On::attention:
      for (const AttentionMap& a : in.factors.attention) {
        if (!a.foreign) continue;
        const Inputs inputs[] = {{"attention", a.probs}, {"foreign", a.foreign}, {"mask", a.mask}};
        sum = plus(sum, call(c, term, inputs));
      }
      return sum;
    case TermCodes::On::slots:
      for (const Var& keep : in.factors.slot_keep) {
        const Inputs inputs[] = {{"keep", keep}};
        sum = plus(sum, call(c, term, inputs));
      }
      return sum;
    default: return of_codes(c, term, in);
  }
}

LossTerms Objective::evaluate(Context& c, const ObjectiveInputs& in) const {
  LossTerms o;
  for (const Term& term : terms_) {
    const double weight = weight_at(term.config, in.progress, in.gate);
    if (weight == 0) continue;  // a term that is switched off costs nothing
    const Var v = value(c, term, in);
    if (!v) continue;
    o.terms.push_back({term.config.name, v, weight});
    o.total = plus(o.total, weight == 1 ? v : scale(v, weight));
  }
  return o;
}

void Objective::after_step(Parameters& parameters) const {
  if (logit_scale_.index < 0) return;
  Tensor& scale = parameters[logit_scale_].value;
  scale.set(0, std::clamp(scale.at(0), 0.0, largest_logit_scale));
}

}  // namespace triptych

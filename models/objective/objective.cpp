#include "models/objective/objective.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/gather_rows.h"
#include "models/objective/compares_samples.h"
#include "models/objective/generation.h"
#include "models/objective/inputs.h"
#include "models/objective/views.h"
#include "ops/add.h"
#include "ops/gather.h"
#include "ops/scale.h"

namespace triptych {
namespace {

constexpr double largest_logit_scale = 4.605170185988092;  // ln 100
constexpr double first_logit_bias = -10;                   // Zhai et al. 2023

Var plus(const Var& sum, const Var& term) { return sum ? add(sum, term) : term; }

const Factors::Gaussian& gaussian_of(const Factors& f, const CodeRef& ref) {
  return (ref.side == CodeRef::Side::private_code ? f.private_gaussian : f.shared_gaussian)[ref.modality];
}

Reconstruction::From from_of(TermCodes::On on) {
  using From = Reconstruction::From;
  return on == TermCodes::On::reconstruction         ? From::own
         : on == TermCodes::On::cross_reconstruction ? From::every
                                                     : From::shared;
}

// Which samples have what the code is read from; absent: all of them.
Var present_in(const ObjectiveInputs& in, const CodeRef& ref) {
  return ref.side == CodeRef::Side::joint || ref.side == CodeRef::Side::joint_tokens
             ? Var{}
             : present(in.encoded[ref.modality].h.mask);
}

// The modalities that a term on generation acts on: the one it names, else all that can be generated.
std::vector<std::size_t> generated_by(const TermCodes& codes, const std::vector<ModalitySpec>& modalities) {
  std::vector<std::size_t> all;
  for (std::size_t m = 0; m < modalities.size(); ++m)
    if ((!codes.generated || *codes.generated == m) && token_grid(modalities[m]).tokens > 0) all.push_back(m);
  return all;
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
  bool scale = false, bias = false, from_both = false, from_shared = false, task = false;
  std::vector<std::string> modalities;
  for (const ModalitySpec& m : sizes.modalities) modalities.push_back(m.name);
  std::vector<std::size_t> generated;
  const auto refuse = [](const TermConfig& t, const std::string& problem, const std::string& hint) {
    throw Error(Exit::usage, "objective.on", "objective '" + escape_text(t.name, 64) + "': " + problem, {}, hint);
  };
  for (TermConfig t : terms) {
    if (t.name.empty()) t.name = default_name(t);
    for (const Term& other : terms_)
      if (other.config.name == t.name)
        throw Error(Exit::usage, "objective.name", "objective: two terms are named '" + escape_text(t.name, 64) + "'",
                    {}, "give one of them another name");
    const OpInfo& loss = find_loss(t.loss);
    TermCodes codes = resolve(t, loss, modalities);
    scale = scale || has_input(loss, "logit_scale");
    bias = bias || has_input(loss, "bias");
    from_shared = from_shared || codes.on == TermCodes::On::shared_reconstruction;
    from_both = from_both || (codes.reconstructs() && codes.on != TermCodes::On::shared_reconstruction);
    task = task || codes.on == TermCodes::On::task;
    if (codes.on == TermCodes::On::task && sizes.outputs < 1)
      refuse(t, "on = 'task' needs labels", "--labels FILE: a class or a target for every row");
    if (codes.on == TermCodes::On::generation) {
      const std::vector<std::size_t> made = generated_by(codes, sizes.modalities);
      for (const std::size_t m : made)
        if (std::find(generated.begin(), generated.end(), m) == generated.end()) generated.push_back(m);
      if (made.empty())
        refuse(t, "no modality of '" + t.on[0] + "' can be generated: n-grams say nothing of their order", "");
      wanted_.joint = true;
    }
    if (has_input(loss, "mu_q") && !sizes.gaussian_private)
      refuse(t, t.loss + " acts on codes with a variance",
             "model.code = \"gaussian-private\", or \"gaussian\" with the scheme shared-private");
    for (const CodeTuple& tuple : codes.tuples)
      for (const CodeRef& code : {tuple.a, tuple.b}) {
        wanted_.joint = wanted_.joint || code.side == CodeRef::Side::joint || code.side == CodeRef::Side::joint_tokens;
        wanted_.joint_tokens = wanted_.joint_tokens || code.side == CodeRef::Side::joint_tokens;
        if (has_input(loss, "mu_q") && code.side != CodeRef::Side::private_code &&
            code.side != CodeRef::Side::shared_code)
          refuse(t, "the joint code has no distribution of its own", "on = \"private\"");
        if (has_input(loss, "mu_q") && code.side == CodeRef::Side::shared_code && !sizes.gaussian_shared)
          refuse(t, "shared codes have no distribution", "model.code = \"gaussian\", with the scheme shared-private");
      }
    terms_.push_back({std::move(t), &loss, std::move(codes), compares_samples(loss)});
  }
  if (scale) logit_scale_ = init.shared().fill("logit_scale", {}, sizes.logit_scale);
  if (bias) logit_bias_ = init.shared().fill("logit_bias", {}, first_logit_bias);
  if (from_both || from_shared)
    reconstruction_.emplace(
        init,
        Reconstruction::Sizes{modalities, sizes.targets, sizes.private_width, sizes.shared_width, sizes.decoder_hidden},
        tokens, from_both, from_shared);
  if (!generated.empty())
    generation_ = std::make_unique<Generation>(
        init, sizes.modalities, generated, Generation::Sizes{sizes.private_width, sizes.shared_width}, sizes.generator);
  if (!task) return;
  head_.emplace(init, head_codes(sizes.head, modalities), sizes.private_width, sizes.shared_width, sizes.outputs);
  for (const CodeRef& code : head_->codes()) wanted_.joint = wanted_.joint || code.side == CodeRef::Side::joint;
}

Objective::~Objective() = default;

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

Var Objective::of_codes(Context& c, const Term& term, const ObjectiveInputs& in, bool& short_of_samples) const {
  Var sum;
  const bool distribution = has_input(*term.loss, "mu_q");
  // One call of the loss on (view i of a, view j of b), or on all views stacked.
  const auto once = [&](const CodeTuple& t, std::int64_t i, std::int64_t j, bool stacked) -> Var {
    const bool pair = has_input(*term.loss, "b");
    const auto part = [&](const Var& x, std::int64_t v) { return x && !stacked ? view_of(x, in.views, v) : x; };
    const bool second = pair || distribution;
    Var a = part(distribution ? gaussian_of(in.factors, t.a).mean : code_of(in.factors, t.a), i), b;
    if (pair) b = part(code_of(in.factors, t.b), j);
    if (distribution) b = part(gaussian_of(in.factors, t.a).logvar, i);
    if (!a || (second && !b)) return {};
    const Var has_a = part(present_in(in, t.a), i), has_b = pair ? part(present_in(in, t.b), j) : Var{};
    const Var rows = common_rows(has_a, has_b);
    if (rows) {
      const std::array<std::int64_t, 2> widths = {a.shape().back(), b ? b.shape().back() : 0};
      const OpInfo& loss = *term.loss;
      if (rows.shape()[0] < (loss.least_rows ? loss.least_rows(widths, term.config.settings) : 2)) {
        short_of_samples = true;
        return {};
      }
      a = gather(a, rows);
      if (second) b = gather(b, rows);
    }
    const std::pair<std::string_view, Var> inputs[] = {{distribution ? "mu_q"
                                                        : pair       ? "a"
                                                                     : "z",
                                                        a},
                                                       {distribution ? "logvar_q" : "b", b}};
    return call(c, term, std::span(inputs, second ? 2 : 1));
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

// The labels of the rows that have every code the head reads.
Var Objective::of_task(Context& c, const Term& term, const ObjectiveInputs& in, bool& short_of_samples) const {
  Var predicted = (*head_)(c, in.factors);
  if (!predicted || !in.labels) return {};
  Var has;
  for (const CodeRef& code : head_->codes()) has = both(has, present_in(in, code));
  const Var rows = common_rows(has, {});
  Var labels = c.tape().constant(in.labels);
  if (rows) {
    if (rows.shape()[0] < 1) {
      short_of_samples = true;
      return {};
    }
    predicted = gather(predicted, rows);
    Tensor of_rows;
    gather_rows(in.labels, {rows.value().data<std::int32_t>(), static_cast<std::size_t>(rows.shape()[0])}, of_rows);
    labels = c.tape().constant(of_rows);
  }
  const bool classes = term.loss->name == "cross_entropy";
  if (classes != (in.labels.dtype() == DType::i32))
    throw Error(Exit::usage, "objective.on",
                "objective '" + escape_text(term.config.name, 64) + "': " +
                    (classes ? "cross_entropy takes classes, the labels are real numbers"
                             : "mse takes real numbers, the labels are classes"),
                {}, "--set objective." + term.config.name + ".loss=" + (classes ? "mse" : "cross_entropy"));
  const std::pair<std::string_view, Var> inputs[] = {{classes ? "logits" : "a", predicted},
                                                     {classes ? "target" : "b", labels}};
  return call(c, term, inputs);
}

Var Objective::value(Context& c, const Term& term, const ObjectiveInputs& in, bool& short_of_samples) const {
  using Inputs = std::pair<std::string_view, Var>;
  Var sum;
  switch (term.codes.on) {
    case TermCodes::On::reconstruction:
    case TermCodes::On::cross_reconstruction:
    case TermCodes::On::shared_reconstruction:
      for (std::size_t m = 0; m < in.encoded.size(); ++m) {
        const auto pairs = (*reconstruction_)(c, m, from_of(term.codes.on), in.factors, in.encoded, in.views);
        Var of_sources;
        for (const auto& [decoded, target, mask] : pairs) {
          const Inputs inputs[] = {{"a", decoded}, {"b", target}, {"mask", mask}};
          of_sources = plus(of_sources, call(c, term, inputs));
        }
        if (of_sources)
          sum = plus(sum, pairs.size() == 1 ? of_sources : scale(of_sources, 1.0 / static_cast<double>(pairs.size())));
      }
      return sum;
    case TermCodes::On::generation:
      if (in.modalities.size() != in.encoded.size())
        throw Error(Exit::internal, "objective.inputs",
                    "objective '" + escape_text(term.config.name, 64) + "': what is to be generated was not given");
      for (std::size_t m = 0; m < in.encoded.size(); ++m) {
        if (!generation_->has(m) || (term.codes.generated && *term.codes.generated != m)) continue;
        const Generation::Path p = generation_->path(c, m, in.factors, in.encoded, in.modalities[m], in.views);
        if (!p.named.velocity) {  // the modality is there, but no sample has it
          short_of_samples = short_of_samples || static_cast<bool>(in.modalities[m].values);
          continue;
        }
        const Inputs inputs[] = {{"x0", p.x0},
                                 {"x1", p.x1},
                                 {"t", p.t},
                                 {"free", p.named.free},
                                 {"logits", p.named.logits},
                                 {"colours", p.named.colours},
                                 {"velocity", p.named.velocity}};
        sum = plus(sum, call(c, term, inputs));
      }
      return sum;
    case TermCodes::On::task: return of_task(c, term, in, short_of_samples);
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
    default: return of_codes(c, term, in, short_of_samples);
  }
}

LossTerms Objective::evaluate(Context& c, const ObjectiveInputs& in) const {
  LossTerms o;
  for (const Term& term : terms_) {
    const double weight = weight_at(term.config, in.progress, in.gate);
    if (weight == 0) continue;  // a term that is switched off costs nothing
    bool short_of_samples = false;
    const Var v = value(c, term, in, short_of_samples);
    if (short_of_samples) o.short_of_samples.push_back(term.config.name);
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

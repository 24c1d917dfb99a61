#include "models/checks_codes.h"

#include <memory>
#include <variant>

#include "core/error.h"
#include "models/query_banks/query_banks.h"
#include "models/typed_slots/typed_slots.h"

namespace triptych {
namespace {

constexpr std::int64_t samples = 3, width = 4;

using Banks = QueryBanksConfig;
using Slots = TypedSlotsConfig;

// A small scheme with everything at its default but one option.
Banks banks(void (*set)(Banks&)) {
  Banks c{.width = width, .private_queries = 3, .shared_queries = 2, .heads = 2};
  set(c);
  return c;
}
Slots slots(void (*set)(Slots&)) {
  Slots c{.width = width, .private_slots = 2, .shared_slots = 2, .iterations = 2};
  set(c);
  return c;
}

struct Case {
  const char *scheme, *sample;
  std::variant<Banks, Slots> config;
  double gate = 1;
  bool surface_apart = false;  // private codes read other tokens, of another width
};

const std::vector<Case>& cases() {
  static const std::vector<Case> list = {
      {"query-banks", "bare", banks([](Banks&) {})},
      {"query-banks", "absorbed", banks([](Banks& c) { c.heads = 1, c.private_queries = 2, c.shared_queries = 1; })},
      {"query-banks", "half_open", banks([](Banks& c) { c.modality_embedding = false; }), 0.5},
      {"query-banks", "surface_apart", banks([](Banks&) {}), 1, true},
      {"query-banks", "block_per_bank", banks([](Banks& c) { c.block_per_bank = true; })},
      {"query-banks", "pre_norm", banks([](Banks& c) { c.pre_norm = true; })},
      {"query-banks", "pre_norm_experts", banks([](Banks& c) {
         c.pre_norm = true;
         c.experts = MoeConfig{.experts = 1, .shared_experts = 1, .hidden = 3, .k = 2};
       })},
      {"query-banks", "depth_two", banks([](Banks& c) { c.depth = 2; })},
      {"query-banks", "tanh_bridge", banks([](Banks& c) { c.tanh_bridge = true; }), 0},
      {"query-banks", "tanh_pre_norm", banks([](Banks& c) { c.tanh_bridge = c.pre_norm = true; })},
      {"typed-slots", "compete", slots([](Slots& c) { c.iterations = 3; })},
      {"typed-slots", "compete_heads", slots([](Slots& c) { c.heads = 2; })},
      {"typed-slots", "half_open", slots([](Slots&) {}), 0.5},
      {"typed-slots", "surface_apart", slots([](Slots&) {}), 1, true},
      {"typed-slots", "soft", slots([](Slots& c) { c.soft = true, c.ban = 1; }), 0.5},
      {"typed-slots", "soft_surface_apart", slots([](Slots& c) { c.soft = true, c.ban = 1; }), 1, true},
      {"typed-slots", "keys", slots([](Slots& c) { c.compete = false, c.heads = 2; })},
      {"typed-slots", "keys_soft", slots([](Slots& c) { c.compete = false, c.soft = true, c.ban = 1; })},
      {"typed-slots", "keys_bare", slots([](Slots& c) {
         c.compete = c.norms = c.mlp = c.type_in_query = false;
         c.heads = 2;
       })},
      {"typed-slots", "bilevel", slots([](Slots& c) { c.gradient = SlotGradient::bilevel; })},
      {"typed-slots", "implicit", slots([](Slots& c) { c.gradient = SlotGradient::implicit; })},
      {"typed-slots", "adaptive", slots([](Slots& c) { c.adaptive = true, c.tau = 0.7; })},
  };
  return list;
}

bool competes(const std::variant<Banks, Slots>& config) {
  const Slots* c = std::get_if<Slots>(&config);
  return c && c->compete;
}

std::unique_ptr<Scheme> make(const Case& k, const Init& init, std::span<const EncodedWidths> widths) {
  if (const Banks* c = std::get_if<Banks>(&k.config)) return std::make_unique<QueryBanks>(init, widths, *c);
  return std::make_unique<TypedSlots>(init, widths, std::get<Slots>(k.config));
}

Tensor drawn(Shape shape, std::uint64_t stream, double scale) {
  Tensor t(shape, DType::f64);
  Rng rng(12, stream);
  for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, scale * rng.normal());
  return t;
}

// Tokens of the second modality are masked, and the last sample lacks it.
Tensor mask_of(std::int64_t tokens) {
  Tensor mask = Tensor::full({samples, tokens}, DType::f64, 1);
  mask.set(1, 0);
  for (std::int64_t j = 0; j < tokens; ++j) mask.set((samples - 1) * tokens + j, 0);
  return mask;
}

}  // namespace

std::vector<SchemeCheck> code_checks() {
  std::vector<SchemeCheck> list;
  for (const Case& k : cases()) list.push_back({k.scheme, k.sample});
  return list;
}

GradcheckResult run_code_check(const SchemeCheck& check, const Kernels& kernels) {
  const Case* k = nullptr;
  for (const Case& c : cases())
    if (check.scheme == c.scheme && check.sample == c.sample) k = &c;
  if (!k) throw Error(Exit::internal, "checks.unknown", "no check of that name");
  const std::vector<EncodedWidths> widths = {{"a", width, k->surface_apart ? 3 : width, !k->surface_apart},
                                             {"b", 3, k->surface_apart ? 2 : 3, !k->surface_apart}};
  Parameters parameters;
  const auto scheme = make(*k, Init(parameters, DType::f64, 4), widths);
  std::vector<Tensor> values;
  std::vector<std::string> names;
  std::vector<bool> differentiable;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    // Away from the first values, at which slots are alike and a tanh bridge is shut.
    Tensor moved = drawn(p.value.shape(), 100 + i, 0.4);
    for (std::int64_t j = 0; j < moved.size(); ++j) moved.set(j, moved.at(j) + p.value.at(j));
    values.push_back(moved);
    names.push_back(p.name);
    // An implicit gradient does not reach the slots' first values; what is added to all rivals' queries alike cancels
    // in the softmax over slots.
    const bool out_of_reach = check.sample == "implicit" && p.name.ends_with(".slots");
    const bool cancels = competes(k->config) && p.name == "slots.norm.beta";
    differentiable.push_back(!out_of_reach && !cancels);
  }
  const std::size_t first_tokens = values.size();
  const std::int64_t tokens[] = {3, 2};
  for (std::size_t m = 0; m < 2; ++m)
    for (const std::int64_t w : {widths[m].h, widths[m].surface}) {
      values.push_back(drawn({samples, tokens[m], w}, 50 + values.size(), 1));
      names.push_back(std::string(widths[m].name) + " tokens");
      differentiable.push_back(values.size() % 2 == first_tokens % 2 ? k->surface_apart : true);
    }
  std::vector<Tensor> held;  // stop-gradients and gates are checked by their surrogates (models/context.h)
  const Recorded f = [&](Tape& tape, std::span<const Var> in) {
    Context c(tape, parameters);
    c.begin(in.first(first_tokens));
    c.hold(held);
    std::vector<Encoded> encoded;
    for (std::size_t m = 0; m < 2; ++m) {
      const Var mask = m == 0 ? Var{} : tape.constant(mask_of(tokens[m]));
      const Tokens h{in[first_tokens + 2 * m], mask};
      encoded.push_back({h, k->surface_apart ? Tokens{in[first_tokens + 2 * m + 1], mask} : h, {}});
    }
    const Factors codes = scheme->factors(c, encoded, k->gate, {.joint_tokens = true});
    Outputs out;
    for (const Vars* list : {&codes.private_codes, &codes.shared_codes, &codes.slot_keep})
      for (const Var& v : *list) out.push_back(v);
    out.push_back(codes.joint);
    out.push_back(codes.joint_tokens.x);
    for (const AttentionMap& m : codes.attention) out.push_back(m.probs);
    return out;
  };
  return gradcheck(f, values, differentiable, names, kernels, {.step = 5e-4});
}

}  // namespace triptych

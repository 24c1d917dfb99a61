#include "models/typed_slots/typed_slots.h"

#include <cmath>

#include "core/error.h"
#include "ops/add.h"
#include "ops/gumbel_keep.h"
#include "ops/masked_mean.h"
#include "ops/reshape.h"
#include "ops/scale.h"
#include "ops/sigmoid.h"
#include "ops/slice.h"
#include "ops/weighted_mean.h"

namespace triptych {
namespace {

constexpr double slot_deviation = 0.02;

using Reader = AttentionMap::Reader;

void check(const TypedSlotsConfig& c) {
  const auto refuse = [](const std::string& text) { throw Error(Exit::usage, "model.config", text); };
  if (c.heads < 1 || c.width % c.heads != 0)
    refuse("typed_slots.heads = " + std::to_string(c.heads) +
           " must be a divisor of model.width = " + std::to_string(c.width));
  if (c.private_slots < 1 || c.shared_slots < 1) refuse("every type needs at least 1 slot");
  if (c.iterations < 1) refuse("typed_slots.iterations = " + std::to_string(c.iterations) + " must be at least 1");
  if (!(c.ban >= 0)) refuse("typed_slots.ban = " + std::to_string(c.ban) + " must be at least 0");
  if (!(c.tau > 0)) refuse("typed_slots.tau = " + std::to_string(c.tau) + " must be greater than 0");
}

}  // namespace

TypedSlots::TypedSlots(const Init& init, std::span<const EncodedWidths> modalities, const TypedSlotsConfig& config)
    : config_((check(config), config)), gru_(init, "slots.gru", config.width) {
  const std::int64_t d = config.width;
  for (const EncodedWidths& m : modalities) {
    project_.emplace_back(init, m, d);
    private_slots_.push_back(init.normal(m.name + ".slots", {config.private_slots, d}, slot_deviation));
    private_type_.push_back(init.normal(m.name + ".type", {d}, slot_deviation));
  }
  shared_slots_ = init.shared().normal("shared.slots", {config.shared_slots, d}, slot_deviation);
  shared_type_ = init.shared().normal("shared.type", {d}, slot_deviation);
  if (config.compete) {
    const auto square = [&](const char* name) {
      return init.uniform(name, {d, d}, 1 / std::sqrt(static_cast<double>(d)));
    };
    weights_ = CompeteWeights{square("slots.query"), square("slots.key"), square("slots.value")};
  } else {
    attention_.emplace(init, "slots.read", d, config.heads);
  }
  if (config.norms) {
    norm_tokens_.emplace(init, "slots.norm_tokens", d);
    norm_slots_.emplace(init, "slots.norm", d);
  }
  if (config.mlp) {
    mlp_.emplace(init, "slots.mlp", d, 2 * d, d);
    if (config.norms) norm_mlp_.emplace(init, "slots.norm_mlp", d);
  }
  if (config.adaptive) keep_.emplace(init, "slots.keep", d, 4 * d, 1);
}

Factors TypedSlots::factors(Context& c, std::span<const Encoded> encoded, double gate, const Wanted& wanted) const {
  const Pass pass = prepare(c, encoded, gate, wanted);
  Vars maps;
  const Var slots = iterate(c, pass, maps);
  const std::int64_t batch = pass.batch, n = pass.layout.slots;
  Var logits, gates;
  if (keep_) {
    const auto [seed, stream] = c.next_stream();
    logits = reshape((*keep_)(c, slots), {batch, n});
    gates = gumbel_keep(
        logits, {.tau = config_.tau, .noise = c.training(), .hard = !c.surrogate(), .seed = seed, .stream = stream});
  }
  struct Code {
    Var pooled;
    Tokens tokens;
  };
  Factors f;
  // The code of one set; what share slots were at the start while the bridge is shut.
  const auto code_of = [&](Reader reader, std::size_t m) -> Code {
    const SlotSet* set = nullptr;
    std::size_t at = 0;
    for (std::size_t i = 0; i < pass.layout.sets.size(); ++i)
      if (pass.layout.sets[i].reader == reader && pass.layout.sets[i].modality == m) set = &pass.layout.sets[at = i];
    if (!set) {
      const Var first = add(c.detached()[shared_slots_], c.detached()[shared_type_]);
      const Var rest = repeated(first, batch);
      return {masked_mean(rest, {}), {rest, {}}};
    }
    const std::int64_t end = set->begin + set->slots;
    const Var rows = slice(slots, 1, set->begin, end);
    if (maps[at]) {
      const bool leaks = config_.soft && set->is_private();
      std::size_t group = 0;
      while (*(pass.layout.groups[group].takers.end() - 1) < at) ++group;
      const Source& source = pass.sources[group];
      f.attention.push_back({reader, m, maps[at], leaks ? c.tape().constant(source.foreign[m]) : Var{}, source.mask});
    }
    if (!keep_) return {masked_mean(rows, {}), {rows, {}}};
    const Var gate_of = slice(gates, 1, set->begin, end);
    f.slot_keep.push_back(sigmoid(scale(slice(logits, 1, set->begin, end), 1 / config_.tau)));
    return {weighted_mean(rows, gate_of), {rows, c.tape().constant(gate_of.value())}};
  };
  for (std::size_t m = 0; m < encoded.size(); ++m) {
    const bool there = static_cast<bool>(encoded[m].h.x);
    const Code own = there ? code_of(Reader::private_code, m) : Code{};
    const Code shared = there ? code_of(Reader::shared_code, m) : Code{};
    f.private_codes.push_back(own.pooled);
    f.shared_codes.push_back(shared.pooled);
    if (!wanted.tokens) continue;
    f.private_tokens.push_back(own.tokens);
    f.shared_tokens.push_back(shared.tokens);
  }
  if (wanted.joint) {
    const Code joint = code_of(Reader::joint, 0);
    f.joint = joint.pooled;
    if (wanted.joint_tokens) f.joint_tokens = joint.tokens;
  }
  return f;
}

}  // namespace triptych

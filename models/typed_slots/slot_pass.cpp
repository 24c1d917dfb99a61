// How typed slots read: the tokens of every group with their permissions, and one iteration.
#include <algorithm>
#include <cmath>

#include "models/typed_slots/typed_slots.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/gather.h"
#include "ops/linear.h"
#include "ops/matmul.h"
#include "ops/reshape.h"
#include "ops/scale.h"
#include "ops/scale_rows.h"
#include "ops/slice.h"
#include "ops/slot_competition.h"
#include "ops/sub.h"

namespace triptych {
namespace {

Var joined_rows(const Vars& parts, int axis) { return parts.size() == 1 ? parts[0] : concat(parts, axis); }

// The rows of some sets out of those of all slots, x (N,d) or (B,N,d).
Var rows_of(const Var& x, const SlotLayout& layout, const Indices& sets) {
  const int axis = x.shape().rank() - 2;
  Vars parts;
  for (std::size_t i = 0; i < sets.size();) {
    std::int64_t begin = layout.sets[sets[i]].begin, end = begin;
    for (; i < sets.size() && layout.sets[sets[i]].begin == end; ++i) end += layout.sets[sets[i]].slots;
    parts.push_back(end - begin == layout.slots ? x : slice(x, axis, begin, end));
  }
  return joined_rows(parts, axis);
}

// Whose token column j of the concatenated tokens is.
std::size_t owner(const Indices& modalities, std::span<const std::int64_t> lengths, std::int64_t j) {
  std::size_t i = 0;
  while (j >= lengths[i]) j -= lengths[i++];
  return modalities[i];
}

}  // namespace

TypedSlots::Pass TypedSlots::prepare(Context& c, std::span<const Encoded> encoded, double gate,
                                     const Wanted& wanted) const {
  Indices there, apart;
  for (std::size_t m = 0; m < encoded.size(); ++m) {
    if (!encoded[m].h.x) continue;
    there.push_back(m);
    if (!project_[m].same()) apart.push_back(m);
  }
  Pass pass;
  pass.layout = slot_layout({.private_slots = config_.private_slots,
                             .shared_slots = config_.shared_slots,
                             .compete = config_.compete,
                             .soft = config_.soft,
                             .open = gate > 0,
                             .joint = wanted.joint},
                            there, apart);
  pass.batch = encoded[there[0]].h.x.shape()[0];
  pass.maps = wanted.maps ? Maps::constant : Maps::none;
  // Keys and values of each token set, formed once for all groups that read it.
  InlineVector<Readable, 8> h, surface;
  h.resize(encoded.size());
  surface.resize(encoded.size());
  const auto readable = [&](const Tokens& t, std::int64_t slots) {
    const Var x = norm_tokens_ ? (*norm_tokens_)(c, t.x) : t.x;
    if (attention_) return attention_->prepare(c, x, t.mask, config_.iterations * slots, config_.soft);
    return Readable{x, t.mask, linear(x, c[weights_->key], {}), linear(x, c[weights_->value], {})};
  };
  for (const std::size_t m : there) {
    const auto tokens = project_[m](c, encoded[m]);
    h[m] = readable(tokens.h, (project_[m].same() ? config_.private_slots : 0) + config_.shared_slots);
    surface[m] = project_[m].same() ? h[m] : readable(tokens.surface, config_.private_slots);
  }
  for (const SlotGroup& g : pass.layout.groups) {
    const auto& of = g.surface ? surface : h;
    InlineVector<Readable, 8> parts;
    InlineVector<std::int64_t, 8> lengths;
    for (const std::size_t m : g.modalities) parts.push_back(of[m]), lengths.push_back(of[m].x.shape()[1]);
    Source source{joined(parts), {}, {}, {}};
    source.mask = source.tokens.weight;
    permit(c, pass, source, g, lengths, gate);
    pass.sources.push_back(std::move(source));
  }
  pass.input = gru_.input_map(c, attention_ ? &attention_->output : nullptr);
  find_idle(c, pass);
  return pass;
}

void TypedSlots::permit(const Context& c, const Pass& pass, Source& source, const SlotGroup& group,
                        std::span<const std::int64_t> lengths, double gate) const {
  const DType dtype = source.tokens.x.dtype();
  const std::int64_t tokens = source.tokens.x.shape()[1];
  const auto owner_of = [&](std::int64_t j) { return owner(group.modalities, lengths, j); };
  const auto real = [&](std::int64_t b, std::int64_t j) {
    return !source.mask || source.mask.value().at(b * tokens + j) != 0;
  };
  const auto allowed = [&](const SlotSet& s, std::int64_t j) {
    if (!s.is_private()) return config_.compete ? gate : 1.0;  // the same for all keys cancels
    if (owner_of(j) == s.modality) return 1.0;
    return config_.soft ? std::exp(-config_.ban) : 0.0;
  };
  if (config_.soft)
    for (std::size_t m = 0; m < project_.size(); ++m) {
      std::vector<std::int32_t> columns;
      for (std::int64_t j = 0; j < tokens; ++j)
        if (owner_of(j) != m) columns.push_back(static_cast<std::int32_t>(j));
      source.foreign.push_back(Tensor::from({std::ssize(columns)}, std::span<const std::int32_t>(columns)));
    }
  if (config_.compete) {
    std::int64_t slots = 0;
    for (const std::size_t s : group.rivals) slots += pass.layout.sets[s].slots;
    Tensor permission(source.mask ? Shape{pass.batch, slots, tokens} : Shape{slots, tokens}, dtype);
    std::int64_t at = 0;
    for (std::int64_t b = 0; b < (source.mask ? pass.batch : 1); ++b)
      for (const std::size_t s : group.rivals)
        for (std::int64_t k = 0; k < pass.layout.sets[s].slots; ++k)
          for (std::int64_t j = 0; j < tokens; ++j)
            permission.set(at++, real(b, j) ? allowed(pass.layout.sets[s], j) : 0);
    source.permission = c.tape().constant(permission);
  } else if (config_.soft && pass.layout.sets[group.takers[0]].is_private()) {
    Tensor weight({pass.batch, tokens}, dtype);
    for (std::int64_t i = 0; i < weight.size(); ++i)
      weight.set(i, real(i / tokens, i % tokens) ? allowed(pass.layout.sets[group.takers[0]], i % tokens) : 0);
    source.tokens.weight = c.tape().constant(weight);
  }
}

// Slots that may read none of a sample's tokens: all of those are padding.
void TypedSlots::find_idle(const Context& c, Pass& pass) const {
  Tensor moves = Tensor::full({pass.batch, pass.layout.slots}, pass.sources[0].tokens.x.dtype(), 1);
  bool all = true;
  for (std::size_t g = 0; g < pass.sources.size(); ++g) {
    const Source& source = pass.sources[g];
    if (!source.mask) continue;
    const std::int64_t tokens = source.mask.shape()[1];
    const Indices& takers = pass.layout.groups[g].takers;
    for (const std::size_t s : takers) {
      const SlotSet& set = pass.layout.sets[s];
      for (std::int64_t b = 0; b < pass.batch; ++b) {
        bool any = false;
        for (std::int64_t j = 0; j < tokens && !any; ++j) any = source.mask.value().at(b * tokens + j) != 0;
        all = all && any;
        for (std::int64_t k = set.begin; !any && k < set.begin + set.slots; ++k)
          moves.set(b * pass.layout.slots + k, 0);
      }
    }
  }
  if (!all) pass.moves = c.tape().constant(moves);
}

Var TypedSlots::read(const Context& c, const Pass& pass, std::size_t group, const Var& queries, Vars* maps) const {
  const Indices& takers = pass.layout.groups[group].takers;
  const bool leaks = config_.soft && pass.layout.sets[takers[0]].is_private();
  const Maps kind = !maps ? Maps::none : leaks ? Maps::differentiable : pass.maps;
  const Reading r = attention_->read(c, rows_of(queries, pass.layout, takers), pass.sources[group].tokens, kind);
  std::int64_t begin = 0;
  for (const std::size_t s : takers) {
    const std::int64_t end = begin + pass.layout.sets[s].slots;
    if (r.maps) (*maps)[s] = takers.size() == 1 ? r.maps : slice(r.maps, 2, begin, end);
    begin = end;
  }
  return r.y;
}

Var TypedSlots::compete(const Context& c, const Pass& pass, std::size_t group, const Var& queries, Vars* maps) const {
  const auto& [rivals, takers, modalities, surface] = pass.layout.groups[group];
  const Source& source = pass.sources[group];
  const std::int64_t d = config_.width, w = d / config_.heads;
  Var q = linear(rows_of(queries, pass.layout, rivals), c[weights_->query], {});
  if (q.shape().rank() == 2) q = repeated(q, pass.batch);
  q = scale(q, 1 / std::sqrt(static_cast<double>(w)));
  const std::int64_t slots = q.shape()[1], tokens = source.tokens.x.shape()[1];
  std::int64_t taking = 0;
  for (const std::size_t s : takers) taking += pass.layout.sets[s].slots;
  Vars updates, weights;
  for (std::int64_t h = 0; h < config_.heads; ++h) {
    const auto head = [&](const Var& x) { return config_.heads == 1 ? x : slice(x, 2, h * w, (h + 1) * w); };
    const Var logits = matmul(head(q), head(source.tokens.keys), false, true);
    Var of_takers = slot_competition(logits, source.permission).weights;
    if (taking < slots) of_takers = slice(of_takers, 1, slots - taking, slots);  // takers are the last rivals
    updates.push_back(matmul(of_takers, head(source.tokens.values)));
    weights.push_back(reshape(of_takers, {pass.batch, 1, taking, tokens}));
  }
  if (maps) {
    const Var all = joined_rows(weights, 1);
    std::int64_t begin = 0;
    for (const std::size_t s : takers) {
      const std::int64_t end = begin + pass.layout.sets[s].slots;
      if (pass.maps != Maps::none || (config_.soft && pass.layout.sets[s].is_private()))
        (*maps)[s] = takers.size() == 1 ? all : slice(all, 2, begin, end);
      begin = end;
    }
  }
  return joined_rows(updates, 2);
}

Var TypedSlots::step(const Context& c, const Pass& pass, const Var& slots, Vars* maps) const {
  const std::int64_t n = pass.layout.slots, d = config_.width, rows = pass.batch * n;
  Var queries = norm_slots_ ? (*norm_slots_)(c, slots) : slots;
  if (config_.type_in_query) queries = add(queries, type_rows(c, pass.layout));
  Vars updates;
  for (std::size_t g = 0; g < pass.layout.groups.size(); ++g)
    updates.push_back(attention_ ? read(c, pass, g, queries, maps) : compete(c, pass, g, queries, maps));
  const auto in_each = [&](const Var& x) { return x.shape().rank() == 2 ? repeated(x, pass.batch) : x; };
  const Var old = in_each(slots), u = linear(joined_rows(updates, 1), pass.input.weight, pass.input.bias),
            v = in_each(gru_.state(c, slots));
  const Var moved = gru_gates(reshape(u, {rows, 3 * d}), reshape(v, {rows, 3 * d}), reshape(old, {rows, d}));
  Var next = reshape(moved, {pass.batch, n, d});
  if (mlp_) next = add(next, (*mlp_)(c, norm_mlp_ ? (*norm_mlp_)(c, next) : next));
  return pass.moves ? add(old, scale_rows(sub(next, old), pass.moves)) : next;
}

Var TypedSlots::iterate(Context& c, const Pass& pass, Vars& maps) const {
  maps.resize(pass.layout.sets.size());
  Var slots = start(c, pass.layout);
  if (config_.gradient == SlotGradient::full) {
    for (int t = 1; t < config_.iterations; ++t) slots = step(c, pass, slots, nullptr);
    return step(c, pass, slots, &maps);
  }
  // The iterations that are forgotten, without gradients.
  const Context constants = c.detached();
  Pass still = pass;
  const auto hold = [&](Var& v) {
    if (v.requires_grad()) v = c.tape().constant(v.value());
  };
  for (Source& s : still.sources) hold(s.tokens.x), hold(s.tokens.keys), hold(s.tokens.values);
  hold(still.input.weight), hold(still.input.bias);
  const bool bilevel = config_.gradient == SlotGradient::bilevel;
  Var moved = c.tape().constant(slots.value());
  for (int t = bilevel ? 1 : 0; t < config_.iterations; ++t) moved = step(constants, still, moved, nullptr);
  if (moved.shape().rank() == 2) moved = repeated(moved, pass.batch);  // bilevel, one iteration
  moved = c.detach(moved);
  if (bilevel) {
    const Var first = repeated(slots, pass.batch);
    moved = add(moved, sub(first, c.detach(first)));
  }
  return step(c, pass, moved, &maps);
}

// The type of every slot, (N,d).
Var TypedSlots::type_rows(const Context& c, const SlotLayout& layout) const {
  const std::int64_t d = config_.width;
  Vars types;
  for (const ParameterId id : private_type_) types.push_back(reshape(c[id], {1, d}));
  if (!std::all_of(layout.sets.begin(), layout.sets.end(), [](const SlotSet& s) { return s.is_private(); }))
    types.push_back(reshape(c[shared_type_], {1, d}));  // a shut bridge gives its type no gradient, not even zeros
  Tensor index({layout.slots}, DType::i32);
  for (const SlotSet& s : layout.sets)
    for (std::int64_t k = s.begin; k < s.begin + s.slots; ++k)
      index.set(k, static_cast<double>(s.is_private() ? s.modality : private_type_.size()));
  return gather(joined_rows(types, 0), c.tape().constant(index));
}

// Slots and their types, (N,d): the same in every sample.
Var TypedSlots::start(const Context& c, const SlotLayout& layout) const {
  Vars parts;
  for (const SlotSet& s : layout.sets) parts.push_back(c[s.is_private() ? private_slots_[s.modality] : shared_slots_]);
  return add(joined_rows(parts, 0), type_rows(c, layout));
}

}  // namespace triptych

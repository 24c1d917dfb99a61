#include "models/layers/cross_attention.h"

#include <cmath>

#include "ops/add.h"
#include "ops/attend.h"
#include "ops/attend_mix.h"
#include "ops/attention.h"
#include "ops/concat.h"
#include "ops/gather.h"
#include "ops/grouped_linear.h"
#include "ops/linear.h"
#include "ops/matmul.h"
#include "ops/reshape.h"
#include "ops/scale.h"
#include "ops/softmax.h"

namespace triptych {
namespace {

// (B,n h,L), the heads of a query following each other -> (B,h,n,L).
Var by_head(const Var& maps, std::int64_t heads) {
  const std::int64_t rows = maps.shape()[1], batch = maps.shape()[0], queries = rows / heads, tokens = maps.shape()[2];
  Tensor index({batch, heads, queries}, DType::i32);
  for (std::int64_t i = 0; i < index.size(); ++i)
    index.set(i, static_cast<double>(i / rows * rows + i % queries * heads + i / queries % heads));
  return gather(reshape(maps, {batch * rows, tokens}), maps.tape().constant(index));
}

// ops/attend.h in ops of their own, so that the maps take gradients.
Attend attend_open(const Var& q, const Var& x, const Var& weight) {
  const std::int64_t batch = x.shape()[0], tokens = x.shape()[1];
  Var logits = matmul(q.shape().rank() == 3 ? q : repeated(q, batch), x, false, true);
  if (weight) {
    const std::int64_t rows = logits.shape()[1];
    Tensor shift(logits.shape(), x.dtype());
    for (std::int64_t i = 0; i < shift.size(); ++i) {
      const double w = weight.value().at(i / (rows * tokens) * tokens + i % tokens);
      shift.set(i, w > 0 ? std::log(w) : 0);  // those without weight are masked below
    }
    logits = add(logits, x.tape().constant(shift));
  }
  const Var p = softmax(logits, weight);
  return {matmul(p, x), p};
}

}  // namespace

CrossAttention::CrossAttention(const Init& init, const std::string& name, std::int64_t width, int heads_of_it)
    : query(init, name + ".query", width, width),
      key(init.uniform(name + ".key.weight", {width, width}, 1 / std::sqrt(static_cast<double>(width)))),
      value(init, name + ".value", width, width),
      output(init, name + ".output", width, width),
      heads(heads_of_it) {}

Readable CrossAttention::prepare(const Context& c, const Var& x, const Var& weight, std::int64_t queries,
                                 bool fractions) const {
  const std::int64_t tokens = x.shape()[1], d = x.shape()[2];
  // Multiplications of the two forms; those of the projected one come in many small products, hence the 2.
  if (fractions || queries * (heads * tokens + d) < 2 * tokens * d) return {x, weight, {}, {}};
  return {x, weight, linear(x, c[key], {}), value(c, x)};
}

Var CrossAttention::absorb(const Context& c, const Var& queries) const {
  const std::int64_t d = queries.shape()[-1], w = d / heads;
  const Var q = scale(query(c, queries), 1 / std::sqrt(static_cast<double>(w)));
  const Var flat = grouped_linear(reshape(q, {q.shape().rows(), heads, w}), reshape(c[key], {heads, w, d}), true);
  const std::int64_t rows = queries.shape()[-2] * heads;
  return reshape(flat, q.shape().rank() == 2 ? Shape{rows, d} : Shape{q.shape()[0], rows, d});
}

Var CrossAttention::map_values(const Context& c, const Var& read) const {
  const std::int64_t batch = read.shape()[0], n = read.shape()[1] / heads, d = read.shape()[2], w = d / heads;
  const Var y = grouped_linear(reshape(read, {batch, n, heads, d}), reshape(c[value.weight], {heads, w, d}));
  return add(reshape(y, {batch, n, d}), c[value.bias]);
}

Reading CrossAttention::read(const Context& c, const Var& queries, const Readable& tokens, Maps maps) const {
  if (tokens.keys && maps != Maps::differentiable) {
    const Var q = query(c, queries);
    const Attention a = attention(q.shape().rank() == 2 ? repeated(q, tokens.x.shape()[0]) : q, tokens.keys,
                                  tokens.values, tokens.weight, heads);
    return {a.y, maps == Maps::none ? Var{} : a.probs};
  }
  const Var q = absorb(c, queries);
  const Attend a =
      maps == Maps::differentiable ? attend_open(q, tokens.x, tokens.weight) : attend(q, tokens.x, tokens.weight);
  return {map_values(c, a.y), maps == Maps::none ? Var{} : by_head(a.probs, heads)};
}

Var CrossAttention::means(const Context& c, const Var& queries, std::span<const std::int64_t> counts,
                          const Readable& tokens) const {
  const std::int64_t n = queries.shape()[0], runs = static_cast<std::int64_t>(counts.size());
  Tensor mix = Tensor::zeros({runs * heads, n * heads}, queries.dtype());
  for (std::int64_t run = 0, i = 0; run < runs; ++run) {
    const std::int64_t count = counts[static_cast<std::size_t>(run)];
    for (std::int64_t end = i + count; i < end; ++i)
      for (std::int64_t h = 0; h < heads; ++h)
        mix.set((run * heads + h) * n * heads + i * heads + h, 1 / static_cast<double>(count));
  }
  return output(c, map_values(c, attend_mix(absorb(c, queries), tokens.x, c.tape().constant(mix), tokens.weight)));
}

Reading CrossAttention::operator()(const Context& c, const Var& queries, const Readable& tokens, Maps maps) const {
  Reading r = read(c, queries, tokens, maps);
  r.y = output(c, r.y);
  return r;
}

Readable joined(std::span<const Readable> parts) {
  if (parts.size() == 1) return parts[0];
  Vars x, weight, keys, values;
  bool weighted = false, projected = true;
  for (const Readable& p : parts) {
    weighted = weighted || p.weight;
    projected = projected && p.keys;
  }
  for (const Readable& p : parts) {
    x.push_back(p.x);
    if (weighted)
      weight.push_back(p.weight ? p.weight
                                : p.x.tape().constant(Tensor::full(p.x.shape().without_last(), p.x.dtype(), 1)));
    if (projected) keys.push_back(p.keys);
    if (projected) values.push_back(p.values);
  }
  const auto chained = [](const Vars& v) { return v.empty() ? Var{} : concat(v, 1); };
  return {chained(x), chained(weight), chained(keys), chained(values)};
}

Var repeated(const Var& q, std::int64_t batch) {
  const std::int64_t n = q.shape()[0];
  Tensor index({batch, n}, DType::i32);
  for (std::int64_t i = 0; i < batch * n; ++i) index.set(i, static_cast<double>(i % n));
  return gather(q, q.tape().constant(index));
}

}  // namespace triptych

#include "models/layers/cross_attention.h"

#include <cmath>

#include "ops/add.h"
#include "ops/attend.h"
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

Reading CrossAttention::read(const Context& c, const Var& queries, const Readable& tokens, Maps maps) const {
  const std::int64_t batch = tokens.x.shape()[0], n = queries.shape()[-2], d = queries.shape()[-1], w = d / heads;
  const Var q = query(c, queries);
  const bool same = q.shape().rank() == 2;
  Reading r;
  if (tokens.keys && maps != Maps::differentiable) {
    const Attention a = attention(same ? repeated(q, batch) : q, tokens.keys, tokens.values, tokens.weight, heads);
    r.y = a.y;
    if (maps != Maps::none) r.maps = a.probs;
  } else {
    const Var scaled = reshape(scale(q, 1 / std::sqrt(static_cast<double>(w))), {q.shape().rows(), heads, w});
    const Var flat = grouped_linear(scaled, reshape(c[key], {heads, w, d}), true);
    const Var absorbed = reshape(flat, same ? Shape{n * heads, d} : Shape{batch, n * heads, d});
    const Attend a = maps == Maps::differentiable ? attend_open(absorbed, tokens.x, tokens.weight)
                                                  : attend(absorbed, tokens.x, tokens.weight);
    const Var means = grouped_linear(reshape(a.y, {batch, n, heads, d}), reshape(c[value.weight], {heads, w, d}));
    r.y = add(reshape(means, {batch, n, d}), c[value.bias]);
    if (maps != Maps::none) r.maps = by_head(a.probs, heads);
  }
  return r;
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

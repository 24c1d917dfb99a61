#include "ops/composed.h"

#include <cmath>

#include "ops/add.h"
#include "ops/axis.h"
#include "ops/concat.h"
#include "ops/gather.h"
#include "ops/gelu.h"
#include "ops/linear.h"
#include "ops/matmul.h"
#include "ops/mul.h"
#include "ops/reshape.h"
#include "ops/row_normalise.h"
#include "ops/scale.h"
#include "ops/sigmoid.h"
#include "ops/slice.h"
#include "ops/softmax.h"
#include "ops/sqrt.h"
#include "ops/square.h"
#include "ops/sub.h"
#include "ops/tanh.h"
#include "ops/transpose.h"

namespace triptych::composed {
namespace {

// log w where w > 0; where it is not, a logit this low has no part in a softmax.
constexpr double nothing = -1e9;
double log_weight(double w) { return w > 0 ? std::log(w) : nothing; }

}  // namespace

// The weights' logarithms, added to the logits of a masked softmax.
Attend attend(const Var& q, const Var& x, const Var& weight) {
  const std::int64_t batch = x.shape()[0], queries = q.shape()[-2], tokens = x.shape()[1];
  Tape& tape = x.tape();
  Var own = q;
  if (q.shape().rank() == 2) {
    Tensor index({batch, queries}, DType::i32);
    for (std::int64_t i = 0; i < index.size(); ++i) index.set(i, static_cast<double>(i % queries));
    own = gather(q, tape.constant(index));
  }
  Var logits = matmul(own, x, false, true);
  if (weight) {
    Tensor shift({batch, queries, tokens}, x.dtype());
    for (std::int64_t i = 0; i < shift.size(); ++i)
      shift.set(i, log_weight(weight.value().at(i / (queries * tokens) * tokens + i % tokens)));
    logits = add(logits, tape.constant(shift));
  }
  const Var p = softmax(logits, weight);
  return {matmul(p, x), tape.constant(p.value())};
}

// The mix repeated for every sample.
Var attend_mix(const Var& q, const Var& x, const Var& mix, const Var& mask) {
  const std::int64_t batch = x.shape()[0], size = mix.value().size();
  Tensor each({batch, mix.shape()[0], mix.shape()[1]}, x.dtype());
  for (std::int64_t i = 0; i < each.size(); ++i) each.set(i, mix.value().at(i % size));
  return matmul(x.tape().constant(each), composed::attend(q, x, mask).y);
}

Attention attention(const Var& q, const Var& k, const Var& v, const Var& mask, int heads) {
  const std::int64_t batch = q.shape()[0], queries = q.shape()[1], keys = k.shape()[1], width = q.shape()[2] / heads;
  std::vector<Var> y, probs;
  for (std::int64_t h = 0; h < heads; ++h) {
    const auto head = [&](const Var& x) { return slice(x, 2, h * width, (h + 1) * width); };
    const Var logits = scale(matmul(head(q), head(k), false, true), 1 / std::sqrt(static_cast<double>(width)));
    const Var p = softmax(logits, mask);
    y.push_back(matmul(p, head(v)));
    probs.push_back(reshape(p, {batch, 1, queries, keys}));
  }
  return {concat(y, 2), q.tape().constant(concat(probs, 1).value())};
}

// Every patch as a row of gathered pixels; those outside the image have index -1, a zero row.
Var conv2d(const Var& x, const Var& w, const Var& b, int kernel, int stride, int pad) {
  const Conv2dSizes s{x.shape()[0], x.shape()[1], x.shape()[2], x.shape()[3], w.shape()[0], kernel, stride, pad};
  Tensor index({s.batch, s.rows(), s.cols(), s.kernel * s.kernel}, DType::i32);
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < s.batch; ++i)
    for (std::int64_t r = 0; r < s.rows(); ++r)
      for (std::int64_t c = 0; c < s.cols(); ++c)
        for (std::int64_t tap = 0; tap < s.kernel * s.kernel; ++tap) {
          const std::int64_t u = r * stride - pad + tap / kernel, v = c * stride - pad + tap % kernel;
          const bool inside = u >= 0 && u < s.height && v >= 0 && v < s.width;
          index.set(at++, inside ? static_cast<double>((i * s.height + u) * s.width + v) : -1);
        }
  const Var pixels = reshape(x, {s.batch * s.height * s.width, s.channels});
  const Var patches = reshape(gather(pixels, x.tape().constant(index)), {s.batch, s.rows(), s.cols(), s.patch()});
  return triptych::linear(patches, w, b);
}

// The bags' means as a product with the matrix of their weights.
Var embedding_bag(const Var& table, const Var& index, const Var& offset) {
  const std::int64_t bags = offset.shape()[0] - 1, entries = index.shape()[0];
  Tensor weights = Tensor::zeros({bags, entries}, table.dtype());
  for (std::int64_t i = 0; i < bags; ++i) {
    const auto begin = static_cast<std::int64_t>(offset.value().at(i)),
               end = static_cast<std::int64_t>(offset.value().at(i + 1));
    for (std::int64_t j = begin; j < end; ++j) weights.set(i * entries + j, 1 / static_cast<double>(end - begin));
  }
  return matmul(table.tape().constant(weights), gather(table, index));
}

Var feed_forward(const Var& x, const Var& w1, const Var& b1, const Var& w2, const Var& b2) {
  return triptych::linear(gelu(triptych::linear(x, w1, b1)), w2, b2);
}

Var grouped_linear(const Var& x, const Var& w, bool trans_w) {
  const std::int64_t groups = x.shape()[-2], in = x.shape().back(), out = w.shape()[trans_w ? 2 : 1];
  const std::int64_t rows = x.shape().without_last().without_last().count();
  const Var flat = reshape(x, {rows, groups, in});
  std::vector<Var> y;
  for (std::int64_t g = 0; g < groups; ++g) {
    const Var xg = reshape(slice(flat, 1, g, g + 1), {rows, in});
    const Var wg = reshape(slice(w, 0, g, g + 1), {w.shape()[1], w.shape()[2]});
    y.push_back(reshape(matmul(xg, wg, false, !trans_w), {rows, 1, out}));
  }
  return reshape(concat(y, 1), x.shape().with_last(out));
}

Var gru_gates(const Var& u, const Var& v, const Var& h) {
  const std::int64_t d = h.shape()[1];
  const auto gate = [d](const Var& x, std::int64_t i) { return slice(x, 1, i * d, (i + 1) * d); };
  const Var r = sigmoid(add(gate(u, 0), gate(v, 0))), z = sigmoid(add(gate(u, 1), gate(v, 1)));
  const Var n = tanh(add(gate(u, 2), mul(r, gate(v, 2))));
  return add(n, mul(z, sub(h, n)));
}

Var linear(const Var& x, const Var& w, const Var& b) {
  const Var y = matmul(reshape(x, {x.shape().rows(), x.shape().back()}), w, false, true);
  return reshape(b ? add(y, b) : y, x.shape().with_last(w.shape()[0]));
}

// The means as a product of each sample's tokens with their weights.
Var masked_mean(const Var& x, const Var& mask) {
  const std::int64_t batch = x.shape()[0], tokens = x.shape()[1], d = x.shape()[2];
  Tensor weights = Tensor::zeros({batch, 1, tokens}, x.dtype());
  for (std::int64_t b = 0; b < batch; ++b) {
    const auto real = [&](std::int64_t t) { return !mask || mask.value().at(b * tokens + t) != 0; };
    double count = 0;
    for (std::int64_t t = 0; t < tokens; ++t) count += real(t);
    for (std::int64_t t = 0; t < tokens; ++t)
      if (real(t)) weights.set(b * tokens + t, 1 / count);
  }
  return reshape(matmul(x.tape().constant(weights), x), {batch, d});
}

// Shares by a softmax of the transposed logits; their means as squares of normalised roots: the square of
// row_normalise([sqrt(A), sqrt(eps)]) is A / (sum A + eps).
SlotCompetition slot_competition(const Var& logits, const Var& permission, double eps) {
  const Shape& shape = logits.shape();
  const std::int64_t slots = shape[-2], tokens = shape[-1], matrix = slots * tokens;
  Tape& tape = logits.tape();
  Var l = logits;
  Tensor permitted = Tensor::full(shape, logits.dtype(), 1);
  if (permission) {
    const std::int64_t matrices = permission.value().size() / matrix, per = permitted.size() / (matrices * matrix);
    Tensor shift(shape, logits.dtype());
    for (std::int64_t i = 0; i < shift.size(); ++i) {
      const double m = permission.value().at(i / matrix / per * matrix + i % matrix);
      shift.set(i, log_weight(m));
      permitted.set(i, m > 0 ? 1 : 0);
    }
    l = add(l, tape.constant(shift));
  }
  const Var shares = mul(transpose(softmax(transpose(l))), tape.constant(permitted));
  const Var parts[] = {sqrt(shares), tape.constant(Tensor::full(shape.with_last(1), l.dtype(), std::sqrt(eps)))};
  const Var means = square(row_normalise(concat(parts, shape.rank() - 1)));
  return {slice(means, shape.rank() - 1, 0, tokens), tape.constant(shares.value())};
}

}  // namespace triptych::composed

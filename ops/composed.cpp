#include "ops/composed.h"

#include <cmath>

#include "ops/add.h"
#include "ops/axis.h"
#include "ops/concat.h"
#include "ops/gather.h"
#include "ops/gelu.h"
#include "ops/linear.h"
#include "ops/matmul.h"
#include "ops/reshape.h"
#include "ops/scale.h"
#include "ops/slice.h"
#include "ops/softmax.h"

namespace triptych::composed {

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

}  // namespace triptych::composed

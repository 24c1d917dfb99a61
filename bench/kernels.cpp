// Times of the cpu kernels at the shapes of a training step, in float32.
//
//   triptych_bench_kernels [filter]
//
// One line each: name, shape, milliseconds (best of several runs), then GFLOP/s and their share of what a product of
// 2048^3 reaches in the same run, or GB/s for kernels that only move memory.
#include <chrono>
#include <cstdio>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "core/rng.h"

using namespace triptych;
using Size = std::int64_t;

namespace {

const Kernels& k = cpu_kernels();
std::string filter;
double peak = 0;

struct Buffer {
  explicit Buffer(Size n) : data(static_cast<std::size_t>(n)) {
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>((i * 7919 % 1024) / 512.0 - 1);
  }
  operator View() { return {data.data(), DType::f32}; }
  std::vector<float> data;
};

// Best time of one call in seconds: short calls are repeated within a measurement.
double time_of(const std::function<void()>& f) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::infinity(), total = 0;
  for (int runs = 0; runs < 5 || (total < 0.3 && runs < 1000); ++runs) {
    const auto start = Clock::now();
    const int repeat = best < 1e-3 ? 10 : 1;
    for (int i = 0; i < repeat; ++i) f();
    const double t = std::chrono::duration<double>(Clock::now() - start).count();
    total += t;
    if (runs > 0) best = std::min(best, t / repeat);
  }
  return best;
}

void report(const std::string& name, const std::string& shape, double flops, double bytes,
            const std::function<void()>& f) {
  if (name.find(filter) == std::string::npos) return;
  const double t = time_of(f);
  if (flops > 0)
    std::printf("%-26s %-30s %9.3f ms %7.1f GFLOP/s %5.1f %%\n", name.c_str(), shape.c_str(), t * 1e3, flops / t * 1e-9,
                100 * flops / t / peak);
  else
    std::printf("%-26s %-30s %9.3f ms %7.1f GB/s\n", name.c_str(), shape.c_str(), t * 1e3, bytes / t * 1e-9);
  std::fflush(stdout);
}

template <class... Sizes>
std::string text(Size first, Sizes... rest) {
  return std::to_string(first) + ((" " + std::to_string(rest)) + ... + "");
}

void gemm(bool trans_a, bool trans_b, Size m, Size n, Size depth) {
  Buffer a(m * depth), b(depth * n), c(m * n);
  report(std::string("gemm ") + (trans_a ? "T" : "N") + (trans_b ? "T" : "N"), text(m, n, depth),
         2e0 * static_cast<double>(m * n * depth), 0,
         [&] { k.gemm({.trans_a = trans_a, .trans_b = trans_b, .m = m, .n = n, .k = depth}, a, b, c); });
}

void feed_forward(Size rows, Size in) {
  const FeedForwardSizes s{rows, in, 4 * in, in};
  const Size w = s.hidden * in;
  Buffer x(rows * in), w1(w), b1(s.hidden), w2(w), b2(in), y(rows * in), pre(rows * s.hidden);
  Buffer dx(rows * in), dw1(w), db1(s.hidden), dw2(w), db2(in);
  const double flops = 4e0 * static_cast<double>(rows * w);
  report("feed_forward", text(rows, in, s.hidden, in), flops, 0, [&] { k.feed_forward(s, x, w1, b1, w2, b2, y, pre); });
  report("feed_forward_backward", text(rows, in, s.hidden, in), 2 * flops, 0,
         [&] { k.feed_forward_backward(s, y, x, w1, w2, pre, dx, dw1, db1, dw2, db2); });
}

void attention(Size batch, Size tokens, Size width, Size heads) {
  const AttentionSizes s{batch, tokens, tokens, width, heads};
  const Size n = batch * tokens * width;
  Buffer q(n), key(n), v(n), mask(batch * tokens), y(n), probs(batch * heads * tokens * tokens), dq(n), dk(n), dv(n);
  for (float& m : mask.data) m = 1;
  const double flops = 4e0 * static_cast<double>(n * tokens);
  report("attention", text(batch, tokens, width, heads), flops, 0, [&] { k.attention(s, q, key, v, mask, y, probs); });
  report("attention_backward", text(batch, tokens, width, heads), 2 * flops, 0,
         [&] { k.attention_backward(s, y, q, key, v, probs, dq, dk, dv); });
}

void conv2d(const Conv2dSizes& s) {
  const Size positions = s.batch * s.rows() * s.cols(), pixels = s.batch * s.height * s.width * s.channels;
  Buffer x(pixels), w(s.out * s.patch()), b(s.out), y(positions * s.out), dx(pixels), dw(s.out * s.patch()), db(s.out);
  const double flops = 2e0 * static_cast<double>(positions * s.out * s.patch());
  const std::string shape =
      text(s.batch, s.height, s.channels) + " k" + text(s.kernel) + " s" + text(s.stride) + " -> " + text(s.out);
  report("conv2d", shape, flops, 0, [&] { k.conv2d(s, x, w, b, y); });
  report("conv2d_backward", shape, 2 * flops, 0, [&] { k.conv2d_backward(s, y, x, w, dx, dw, db); });
}

void rows(Size count, Size cols) {
  const Size n = count * cols;
  const double bytes = 4e0 * static_cast<double>(n);
  Buffer x(n), y(n), dy(n), dx(n), gamma(cols), beta(cols), dgamma(cols), dbeta(cols), stats(2 * count);
  const std::string shape = text(count, cols);
  report("layer_norm", shape, 0, 2 * bytes, [&] { k.layer_norm(x, gamma, beta, y, stats, count, cols, 1e-5); });
  report("layer_norm_backward", shape, 0, 3 * bytes,
         [&] { k.layer_norm_backward(dy, x, gamma, stats, dx, dgamma, dbeta, count, cols); });
  report("softmax", shape, 0, 2 * bytes, [&] { k.softmax(x, {}, y, count, cols, 1); });
  report("sum_rows", shape, 0, bytes, [&] { k.sum_rows(x, beta, count, cols); });
  report("add", shape, 0, 3 * bytes, [&] { k.binary(Binary::add, x, dy, y, n, n); });
  report("gelu", shape, 0, 2 * bytes, [&] { k.unary(Unary::gelu, x, y, n); });
  report("gelu backward", shape, 0, 3 * bytes, [&] { k.unary_backward(Unary::gelu, x, y, dy, dx, n); });
}

void embedding_bag(Size table_rows, Size width, Size bags, Size per_bag) {
  Buffer table(table_rows * width), dtable(table_rows * width), y(bags * width);
  std::vector<std::int32_t> index, offset{0};
  Rng rng(1);
  for (Size b = 0; b < bags; ++b) {
    for (Size i = 0; i < per_bag; ++i)
      index.push_back(static_cast<std::int32_t>(rng.below(static_cast<std::uint32_t>(table_rows))));
    offset.push_back(static_cast<std::int32_t>(index.size()));
  }
  const View at{index.data(), DType::i32}, start{offset.data(), DType::i32};
  const std::string shape = text(table_rows, width, bags, per_bag);
  const double picked = 4e0 * static_cast<double>(bags * per_bag * width);
  report("embedding_bag", shape, 0, picked, [&] { k.embedding_bag(table, at, start, y, bags, width); });
  report("embedding_bag_backward", shape, 0, 2 * picked + 4e0 * static_cast<double>(table_rows * width),
         [&] { k.embedding_bag_backward(y, at, start, dtable, bags, table_rows, width); });
}

void adam(Size n) {
  Buffer p(n), g(n), m(n), v(n);
  for (float& x : v.data) x *= x;
  report("adam", text(n), 0, 28e0 * static_cast<double>(n), [&] { k.adam({.lr = 1e-3}, p, g, m, v, n); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) filter = argv[1];
  {
    const Size n = 2048;
    Buffer a(n * n), b(n * n), c(n * n);
    const double flops = 2e0 * static_cast<double>(n * n * n);
    peak = flops / time_of([&] { k.gemm({.m = n, .n = n, .k = n}, a, b, c); });
    std::printf("%d threads, product of 2048^3: %.1f GFLOP/s\n", threads(), peak * 1e-9);
  }
  gemm(false, true, 12544, 512, 512);
  gemm(true, false, 512, 512, 12544);
  gemm(false, true, 2048, 128, 128);
  gemm(true, false, 128, 128, 2048);
  gemm(false, true, 192, 64, 64);
  gemm(true, false, 64, 64, 192);
  gemm(false, true, 16, 16, 64);
  for (auto [n, in] : {std::pair<Size, Size>{12544, 512}, {2048, 512}, {2048, 128}, {512, 128}, {256, 64}, {192, 64}})
    feed_forward(n, in);
  attention(192, 64, 128, 4);
  attention(192, 64, 128, 8);
  attention(256, 49, 512, 8);
  attention(12, 16, 64, 4);
  conv2d({192, 32, 32, 3, 64, 3, 1, 1});
  conv2d({192, 32, 32, 3, 128, 4, 4, 0});
  conv2d({192, 32, 32, 3, 64, 7, 2, 3});
  conv2d({192, 32, 32, 3, 128, 8, 4, 2});
  conv2d({192, 16, 16, 64, 64, 3, 1, 1});
  conv2d({192, 8, 8, 128, 128, 3, 1, 1});
  rows(12544, 512);
  rows(256, 64);
  embedding_bag(32768, 128, 192, 20);
  adam(1 << 24);
  adam(1 << 16);
}

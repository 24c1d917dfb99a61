// Products, convolution, attention and the feed-forward network of the cpu table against the reference.
#include "tests/backend_calls.h"

using namespace triptych;
using namespace triptych::test;

TEST_CASE("cpu: gemm") {
  struct Sizes {
    Size m, n, k, batch;
  };
  for (auto [m, n, k, batch] : {Sizes{1, 1, 1, 1},
                                {5, 7, 3, 2},
                                {17, 33, 9, 1},
                                {16, 1, 70, 3},
                                {96, 70, 110, 1},
                                {70, 96, 110, 1},
                                {4, 3, 0, 1}})
    for (int trans = 0; trans < 4; ++trans)
      for (double beta : {0.0, 0.5})
        check("gemm " + text(m, n) + " x " + std::to_string(k),
              [=, m = m, n = n, k = k, batch = batch](auto& table, Call& c) {
                const Gemm g{.trans_a = trans % 2 == 1,
                             .trans_b = trans / 2 == 1,
                             .m = m,
                             .n = n,
                             .k = k,
                             .alpha = -0.7,
                             .beta = beta,
                             .batch = batch,
                             .stride_a = m * k,
                             .stride_b = 0,
                             .stride_c = m * n};
                const View a = c.normal(batch * m * k), b = c.normal(n * k),
                           y = c.value(batch * m * n, beta == 0 ? std::nan("") : 1);
                table.gemm(g, a, b, c.updated(y, batch * m * n));
              });
}

TEST_CASE("cpu: gemm of rows with gaps, group by group") {
  constexpr Size rows = 37, groups = 3, in = 5, out = 7;
  check("gemm", [=](auto& table, Call& c) {
    const View x = c.normal(rows * groups * in), w = c.normal(groups * out * in), y = c.output(rows * groups * out);
    table.gemm({.trans_b = true,
                .m = rows,
                .n = out,
                .k = in,
                .batch = groups,
                .stride_a = in,
                .stride_b = out * in,
                .stride_c = out,
                .lda = groups * in,
                .ldc = groups * out},
               x, w, y);
    table.gemm({.trans_a = true,
                .m = out,
                .n = in,
                .k = rows,
                .batch = groups,
                .stride_a = out,
                .stride_b = in,
                .stride_c = out * in,
                .lda = groups * out,
                .ldb = groups * in},
               y, x, c.output(groups * out * in));
  });
}

TEST_CASE("cpu: conv2d") {
  for (const Conv2dSizes& s : {Conv2dSizes{1, 1, 1, 1, 1, 1, 1, 0},
                               {2, 5, 4, 3, 2, 3, 1, 1},
                               {3, 8, 8, 1, 5, 4, 4, 0},
                               {2, 9, 7, 2, 3, 5, 2, 2},
                               {1, 3, 3, 4, 2, 3, 1, 2},
                               {2, 4, 4, 2, 3, 2, 3, 0},
                               {9, 20, 18, 3, 4, 3, 1, 1}}) {
    const Size x_size = s.batch * s.height * s.width * s.channels, y_size = s.batch * s.rows() * s.cols() * s.out,
               w_size = s.out * s.patch();
    for (bool first : {false, true})
      check("conv2d " + text(s.height, s.width) + " k " + std::to_string(s.kernel), [=](auto& k, Call& c) {
        const View x = c.normal(x_size), w = c.normal(w_size), dx = first ? View{} : c.output(x_size);
        k.conv2d(s, x, w, c.normal(s.out), c.output(y_size));
        k.conv2d_backward(s, c.normal(y_size), x, w, dx, c.output(w_size), c.output(s.out));
      });
  }
}

TEST_CASE("cpu: attention") {
  for (const AttentionSizes& s :
       {AttentionSizes{1, 1, 1, 1, 1}, {2, 3, 5, 6, 2}, {3, 1, 17, 8, 8}, {2, 33, 4, 10, 1}, {9, 16, 20, 32, 4}}) {
    const Size q_size = s.batch * s.queries * s.width, k_size = s.batch * s.keys * s.width,
               p_size = s.batch * s.heads * s.queries * s.keys;
    for (bool masked : {false, true})
      check(
          "attention " + text(s.queries, s.keys),
          [=](auto& table, Call& c) {
            const View q = c.normal(q_size), k = c.normal(k_size), v = c.normal(k_size), probs = c.output(p_size);
            table.attention(s, q, k, v, masked ? c.mask(s.batch * s.keys, s.keys) : View{}, c.output(q_size), probs);
            table.attention_backward(s, c.normal(q_size), q, k, v, probs, c.output(q_size), c.output(k_size),
                                     c.output(k_size));
          },
          1e-5);
  }
}

TEST_CASE("cpu: attend") {
  for (const AttendSizes& s : {AttendSizes{1, 1, 1, 1, false},
                               {2, 3, 5, 6, true},
                               {3, 1, 17, 8, false},
                               {0, 2, 3, 4, true},
                               {35, 6, 9, 4, true},
                               {9, 16, 20, 32, false}}) {
    const Size q_size = (s.same_queries ? 1 : s.batch) * s.queries * s.width, x_size = s.batch * s.tokens * s.width,
               y_size = s.batch * s.queries * s.width, p_size = s.batch * s.queries * s.tokens;
    for (int kind = 0; kind < 3; ++kind)  // without weights, with a mask, with fractions
      check(
          "attend " + text(s.queries, s.tokens),
          [=](auto& k, Call& c) {
            const Size n = s.batch * s.tokens;
            const View q = c.normal(q_size), x = c.normal(x_size), probs = c.output(p_size);
            const View weight = kind == 0 ? View{} : kind == 1 ? c.mask(n, s.tokens) : c.uniform(n, 0, 2);
            k.attend(s, q, x, weight, c.output(y_size), probs);
            const View dy = c.normal(y_size);
            k.attend_backward(s, dy, q, x, probs, c.output(q_size), c.output(x_size));
            k.attend_backward(s, dy, q, x, probs, c.output(q_size), View{});
            k.attend_backward(s, dy, q, x, probs, View{}, c.output(x_size));
          },
          1e-5);
  }
}

TEST_CASE("cpu: feed_forward") {
  for (const FeedForwardSizes& s : {FeedForwardSizes{1, 1, 1, 1},
                                    {3, 5, 7, 2},
                                    {17, 4, 16, 4},
                                    {37, 24, 96, 24},
                                    {700, 20, 70, 10},
                                    {1100, 3, 9, 2},
                                    {0, 3, 4, 2}}) {
    const Size x_size = s.rows * s.in, y_size = s.rows * s.out, w1 = s.hidden * s.in, w2 = s.out * s.hidden;
    for (bool first : {false, true})
      check("feed_forward " + text(s.rows, s.in) + " x " + std::to_string(s.hidden), [=](auto& k, Call& c) {
        const View x = c.normal(x_size), a = c.normal(w1), b = c.normal(w2), pre = c.output(s.rows * s.hidden),
                   dx = first ? View{} : c.output(x_size);
        k.feed_forward(s, x, a, c.normal(s.hidden), b, c.normal(s.out), c.output(y_size), pre);
        k.feed_forward_backward(s, c.normal(y_size), x, a, b, pre, dx, c.output(w1), c.output(s.hidden), c.output(w2),
                                c.output(s.out));
      });
  }
}

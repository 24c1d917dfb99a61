// Every entry of the cpu table but the products against the reference, and its bits over the number of threads.
#include "tests/backend_calls.h"

using namespace triptych;
using namespace triptych::test;

namespace {

const std::vector<Size> lengths = {1, 7, 16, 33, 20001};
// (rows, cols): width one, one row, not a multiple of the vector width, large enough for the threads.
const std::vector<std::pair<Size, Size>> shapes = {{1, 1}, {5, 1}, {1, 37}, {3, 16}, {40, 24}, {200, 257}};

}  // namespace

TEST_CASE("cpu: elementwise and sums") {
  for (Size n : lengths) {
    const std::string at = std::to_string(n);
    check("fill " + at, [n](auto& k, Call& c) { k.fill(c.output(n), n, 2.5); });
    check("copy " + at, [n](auto& k, Call& c) { k.copy(c.normal(n), c.output(n), n); });
    for (Binary op : {Binary::add, Binary::sub, Binary::mul})
      for (Size period : {n, Size{1}, n % 7 == 0 ? n / 7 : n})
        check("binary " + at + " over " + std::to_string(period), [=](auto& k, Call& c) {
          const View a = c.normal(n), b = c.normal(period);
          k.binary(op, a, b, c.output(n), n, period);
        });
    for (auto [alpha, beta] : {std::pair{0.3, 0.0}, {1.0, 1.0}, {-2.0, 0.7}})
      check("axpby " + at, [=, a = alpha, b = beta](auto& k, Call& c) {
        const View x = c.normal(n), y = b == 0 ? c.value(n, std::nan("")) : c.normal(n);
        k.axpby(a, x, b, c.updated(y, n), n);
      });
    for (Unary op : {Unary::exp, Unary::sqrt, Unary::square, Unary::relu, Unary::gelu, Unary::sigmoid, Unary::tanh})
      check("unary " + std::to_string(static_cast<int>(op)) + " " + at, [=](auto& k, Call& c) {
        const View x = op == Unary::sqrt ? c.uniform(n, 0, 9) : c.normal(n, 3), dy = c.normal(n), y = c.output(n);
        if (n > 1) c.set(x, 1, 0);
        const View exact = c.value(n, 0);
        k.unary(op, x, y, n);
        reference_kernels().unary(op, x, exact, n);
        k.unary_backward(op, x, exact, dy, c.output(n), n);
        k.unary(op, x, c.updated(x, n), n);  // in place
      });
    check("sum, dot " + at, [n](auto& k, Call& c) {
      const View a = c.normal(n), b = c.normal(n);
      c.number(k.sum(a, n));
      c.number(k.dot(a, b, n));
    });
    for (Size m : {1, 3, 4, 9})
      check("products, combine " + at + " of " + std::to_string(m), [=](auto& k, Call& c) {
        std::vector<View> rows;
        std::vector<double> w, g(static_cast<std::size_t>(m * m), std::nan(""));
        for (Size i = 0; i < m; ++i) rows.push_back(i == 2 ? View{} : c.normal(n)), w.push_back(0.5 * i - 1.3);
        k.products(rows.data(), m, n, g.data());
        for (const double each : g) c.number(each);
        k.combine(rows.data(), w.data(), m, c.output(n), n);
      });
    check("adam " + at, [n](auto& k, Call& c) {
      const View p = c.normal(n), m = c.normal(n, 0.1), v = c.uniform(n, 0, 0.1);
      for (Size step : {1, 2, 30})
        k.adam({.lr = 1e-2, .weight_decay = 0.1, .l2 = 0.2, .grad_scale = 0.5, .step = step}, c.updated(p, n),
               c.normal(n), c.updated(m, n), c.updated(v, n), n);
    });
    check("sgd " + at, [n](auto& k, Call& c) {
      const View p = c.normal(n), m = c.normal(n, 0.1), g = c.normal(n);
      for (bool nesterov : {false, true})
        k.sgd({.lr = 1e-2, .momentum = 0.9, .nesterov = nesterov, .l2 = 0.1, .grad_scale = 0.5}, c.updated(p, n), g,
              c.updated(m, n), n);
      k.sgd({.lr = 1e-2, .l2 = 0.1, .grad_scale = 0.5}, c.updated(p, n), g, View{}, n);
    });
  }
}

TEST_CASE("cpu: layout") {
  for (auto [r, w] : shapes) {
    const Size rows = r, cols = w, n = r * w;
    const std::string at = text(rows, cols);
    check("binary over rows " + at, [=](auto& k, Call& c) {
      const View a = c.normal(n), b = c.normal(cols);
      k.binary(Binary::mul, a, b, c.output(n), n, cols);
    });
    check("sum_rows " + at, [=](auto& k, Call& c) { k.sum_rows(c.normal(n), c.output(cols), rows, cols); });
    check("add_bias " + at, [=](auto& k, Call& c) {
      const View bias = c.normal(cols), y = c.normal(n);
      k.add_bias(bias, c.updated(y, n), rows, cols);
    });
    check("scale_rows " + at, [=](auto& k, Call& c) {
      const View x = c.normal(n), s = c.normal(rows);
      k.scale_rows(x, s, c.output(n), rows, cols);
    });
    check("copy_block " + at, [=](auto& k, Call& c) {
      const View x = c.normal(n + 3 + rows * 5), y = c.value(n + 2 + rows * 3, 1);
      k.copy_block(x, 3, cols + 5, c.updated(y, n + 2 + rows * 3), 2, cols + 3, rows, cols);
    });
    check("transpose " + at, [=](auto& k, Call& c) { k.transpose(c.normal(3 * n), c.output(3 * n), 3, rows, cols); });
    check("gather " + at, [=](auto& k, Call& c) {
      const Size count = 2 * rows + 1;
      const View x = c.normal(n), index = c.index(count, rows, -1), dy = c.normal(count * cols);
      k.gather(x, index, c.output(count * cols), count, cols);
      k.gather_backward(dy, index, c.output(n), count, rows, cols);
    });
    check("embedding_bag " + at, [=](auto& k, Call& c) {
      const Size bags = rows / 2 + 1, count = 4 * bags;
      const View x = c.normal(n), index = c.index(count, rows), offset = c.offsets(bags, count);
      k.embedding_bag(x, index, offset, c.output(bags * cols), bags, cols);
      k.embedding_bag_backward(c.normal(bags * cols), index, offset, c.output(n), bags, rows, cols);
    });
  }
}

TEST_CASE("cpu: rows") {
  for (auto [r, w] : shapes) {
    const Size rows = r, cols = w, n = r * w;
    const std::string at = text(rows, cols);
    for (double shift : {0.0, 100.0})
      check(
          "layer_norm " + at,
          [=](auto& k, Call& c) {
            const View x = c.normal(n, 2, shift), gamma = c.normal(cols), beta = c.normal(cols),
                       stats = c.output(3 * rows);
            const View exact = c.make(3 * rows, [] { return 0.0; }), dy = c.normal(n), y = c.output(n);
            k.layer_norm(x, gamma, beta, y, stats, rows, cols, 1e-5);
            reference_kernels().layer_norm(x, gamma, beta, c.value(n, 0), exact, rows, cols, 1e-5);
            k.layer_norm_backward(dy, x, gamma, exact, c.output(n), c.output(cols), c.output(cols), rows, cols);
          },
          cols == 1 ? 1e-3 : 2e-5);
    for (bool masked : {false, true})
      check("softmax " + at + (masked ? " masked" : ""), [=](auto& k, Call& c) {
        const Size per = rows % 2 == 0 ? 2 : 1;
        const View x = c.normal(n, 3), mask = masked ? c.mask(n / per, cols) : View{}, y = c.output(n);
        k.softmax(x, mask, y, rows, cols, per);
        k.softmax_backward(y, c.normal(n), c.output(n), rows, cols);
      });
    check("log_softmax " + at, [=](auto& k, Call& c) {
      const View x = c.normal(n, 3), y = c.output(n);
      k.log_softmax(x, y, rows, cols);
      k.log_softmax_backward(y, c.normal(n), c.output(n), rows, cols);
    });
    check("gru_gates " + at, [=](auto& k, Call& c) {
      const View u = c.normal(3 * n, 2), v = c.normal(3 * n, 2), h = c.normal(n), gates = c.output(3 * n);
      k.gru_gates(u, v, h, c.output(n), gates, rows, cols);
      k.gru_gates_backward(c.normal(n), v, h, gates, c.output(3 * n), c.output(3 * n), c.output(n), rows, cols);
    });
    check("cross_entropy " + at, [=](auto& k, Call& c) {
      const View x = c.normal(n, 3), target = c.index(rows, cols), probs = c.output(n);
      k.cross_entropy(x, target, probs, c.output(rows), rows, cols);
      k.cross_entropy_backward(probs, target, c.normal(rows), c.output(n), rows, cols);
    });
    check("row_normalise " + at, [=](auto& k, Call& c) {
      const View x = c.normal(n), y = c.output(n), norms = c.output(rows);
      for (Size j = 0; j < cols; ++j) c.set(x, j, 1e-9);
      k.row_normalise(x, y, norms, rows, cols, 1e-6);
      k.row_normalise_backward(y, norms, c.normal(n), c.output(n), rows, cols, 1e-6);
    });
    for (bool masked : {false, true})
      check("masked_mean " + at, [=](auto& k, Call& c) {
        const Size tokens = 3;
        const View x = c.normal(n * tokens), mask = masked ? c.mask(rows * tokens, tokens) : View{};
        k.masked_mean(x, mask, c.output(n), rows, tokens, cols);
        k.masked_mean_backward(c.normal(n), mask, c.output(n * tokens), rows, tokens, cols);
      });
  }
}

TEST_CASE("cpu: slot_competition") {
  for (const CompetitionSizes& s : {CompetitionSizes{1, 1, 1, 1, 1e-8},
                                    {3, 1, 5, 3, 0.1},
                                    {4, 5, 1, 2, 0.5},
                                    {6, 4, 37, 3, 1e-3},
                                    {40, 10, 57, 1, 1e-8}}) {
    const Size n = s.outer * s.slots * s.tokens,
               matrices = (s.outer + s.outer_per_permission - 1) / s.outer_per_permission;
    for (bool typed : {false, true})
      check("slot_competition " + text(s.slots, s.tokens), [=](auto& k, Call& c) {
        const View l = c.normal(n, 2), permission = typed ? c.mask(matrices * s.slots * s.tokens, s.tokens) : View{};
        const View w = c.output(n), share = c.output(n);
        k.slot_competition(s, l, permission, w, share);
        k.slot_competition_backward(s, c.normal(n), w, share, c.output(n));
      });
  }
}

TEST_CASE("cpu: NaN, infinity and extreme values come through") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const std::vector<double> special = {nan,   inf,   -inf, 0,  -0.0, 88.5, -88.5, 104, -104, 1e30,
                                       -1e30, 1e-30, 5,    -5, 13,   -13,  1,     2,   3};
  const Size n = static_cast<Size>(special.size());
  for (Unary op : {Unary::exp, Unary::square, Unary::relu, Unary::gelu, Unary::sigmoid, Unary::tanh})
    check("unary " + std::to_string(static_cast<int>(op)), [&](auto& k, Call& c) {
      for (double v : special) {
        const View x = c.value(20, v), y = c.output(20);  // each in every lane
        const View exact = c.value(20, 0);  // slopes near a limit are as exact as the y they are written from
        k.unary(op, x, y, 20);
        reference_kernels().unary(op, x, exact, 20);
        k.unary_backward(op, x, exact, c.value(20, 1), c.output(20), 20);
      }
    });
  for (double v : {nan, inf, -inf})
    for (Size at : {0, 18})
      check("rows", [&](auto& k, Call& c) {
        const View x = c.normal(n), target = c.index(1, n), mask = c.value(n, 1);
        c.set(x, at, v);
        k.softmax(x, {}, c.output(n), 1, n, 1);
        k.softmax(x, mask, c.output(n), 1, n, 1);
        k.cross_entropy(x, target, c.output(n), c.output(1), 1, n);
        c.set(mask, at, 0);
        k.softmax(x, mask, c.output(n), 1, n, 1);
      });
}

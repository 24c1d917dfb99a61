// Every entry of the cpu table against the reference, in both dtypes, and its bits over the number of threads.
#include <cmath>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>

#include "backends/backend.h"
#include "core/rng.h"

using namespace triptych;
using Size = std::int64_t;

namespace {

// The buffers of one call: inputs drawn from a fixed seed; outputs start as NaN, so that one left unwritten shows.
class Call {
 public:
  explicit Call(DType dtype) : dtype_(dtype) {}

  View make(Size n, const std::function<double()>& draw) {
    auto& memory = memory_.emplace_back(static_cast<std::size_t>(n) + 1);
    const View x{memory.data(), dtype_};
    for (Size i = 0; i < n; ++i) set(x, i, draw());
    return x;
  }
  View value(Size n, double v) {
    return make(n, [&] { return v; });
  }
  View normal(Size n, double scale = 1, double shift = 0) {
    return make(n, [&] { return shift + scale * rng_.normal(); });
  }
  View uniform(Size n, double low, double high) {
    return make(n, [&] { return rng_.uniform(low, high); });
  }
  // 0 and 1; the first `masked` entries are 0.
  View mask(Size n, Size masked = 0) {
    return make(n, [&] { return masked-- > 0 || rng_.below(4) == 0 ? 0.0 : 1.0; });
  }
  View index(Size n, Size below, std::int32_t lowest = 0) {
    auto& x = indices_.emplace_back(static_cast<std::size_t>(n) + 1);
    for (auto& i : x) i = static_cast<std::int32_t>(rng_.below(static_cast<std::uint32_t>(below - lowest))) + lowest;
    return {x.data(), DType::i32};
  }
  // bags + 1 offsets into `count` indices; of three bags or more the first two are empty.
  View offsets(Size bags, Size count) {
    auto& x = indices_.emplace_back(static_cast<std::size_t>(bags) + 1);
    for (Size b = bags > 2 ? 3 : 1; b <= bags; ++b)
      x[static_cast<std::size_t>(b)] = static_cast<std::int32_t>(count * b / bags);
    return {x.data(), DType::i32};
  }
  View output(Size n) { return updated(value(n, std::nan("")), n); }
  View updated(View x, Size n) {
    outputs_.push_back({x, n});
    return x;
  }
  void number(double v) { outputs_.push_back({value(1, v), 1}); }

  double get(View x, Size i) const {
    return dtype_ == DType::f32 ? static_cast<double>(x.as<float>()[i]) : x.as<double>()[i];
  }
  void set(View x, Size i, double v) const {
    if (dtype_ == DType::f32)
      x.as<float>()[i] = static_cast<float>(v);
    else
      x.as<double>()[i] = v;
  }
  std::vector<std::vector<double>> results() const {
    std::vector<std::vector<double>> all;
    for (const auto& [x, n] : outputs_)
      for (Size i = (all.emplace_back(), 0); i < n; ++i) all.back().push_back(get(x, i));
    return all;
  }

 private:
  DType dtype_;
  Rng rng_{7};
  std::deque<std::vector<double>> memory_;
  std::deque<std::vector<std::int32_t>> indices_;
  std::vector<std::pair<View, Size>> outputs_;
};

using Run = std::function<void(const Kernels&, Call&)>;

std::vector<std::vector<double>> results(const Kernels& k, DType dtype, const Run& run) {
  Call call(dtype);
  run(k, call);
  return call.results();
}

bool same_bits(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(double)) != 0) return false;
  return true;
}

// Largest difference relative to the largest value of that output; infinite where only one side is NaN.
double difference(const std::vector<double>& got, const std::vector<double>& want) {
  double worst = 0, scale = 1e-30;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (std::isnan(got[i]) != std::isnan(want[i])) return std::numeric_limits<double>::infinity();
    if (std::isnan(got[i]) || got[i] == want[i]) continue;
    worst = std::max(worst, std::abs(got[i] - want[i]));
    scale = std::max(scale, std::abs(want[i]));
  }
  for (double w : want)
    if (std::isfinite(w)) scale = std::max(scale, std::abs(w));
  return worst / scale;
}

void check(const std::string& name, const Run& run, double tolerance = 2e-6) {
  CAPTURE(name);
  const int before = threads();
  for (DType dtype : {DType::f32, DType::f64}) {
    CAPTURE(name_of(dtype));
    const auto want = results(reference_kernels(), dtype, run);
    set_threads(1);
    const auto got = results(cpu_kernels(), dtype, run);
    REQUIRE(got.size() == want.size());
    for (std::size_t o = 0; o < got.size(); ++o) {
      CAPTURE(o);
      CHECK(difference(got[o], want[o]) < (dtype == DType::f32 ? tolerance : 1e-12));
    }
    for (int n : {2, 3, 4}) {
      set_threads(n);
      CHECK(same_bits(results(cpu_kernels(), dtype, run), got));
    }
  }
  set_threads(before);
}

const std::vector<Size> lengths = {1, 7, 16, 33, 40001};
// (rows, cols): width one, one row, not a multiple of the vector width, large enough for the threads.
const std::vector<std::pair<Size, Size>> shapes = {{1, 1}, {5, 1}, {1, 37}, {3, 16}, {40, 24}, {200, 257}};

std::string text(Size a, Size b) { return std::to_string(a) + " x " + std::to_string(b); }

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
    for (Unary op : {Unary::exp, Unary::sqrt, Unary::square, Unary::relu, Unary::gelu})
      check("unary " + std::to_string(static_cast<int>(op)) + " " + at, [=](auto& k, Call& c) {
        const View x = op == Unary::sqrt ? c.uniform(n, 0, 9) : c.normal(n, 3), dy = c.normal(n), y = c.output(n);
        if (n > 1) c.set(x, 1, 0);
        k.unary(op, x, y, n);
        k.unary_backward(op, x, y, dy, c.output(n), n);
        k.unary(op, x, c.updated(x, n), n);  // in place
      });
    check("sum, dot " + at, [n](auto& k, Call& c) {
      const View a = c.normal(n), b = c.normal(n);
      c.number(k.sum(a, n));
      c.number(k.dot(a, b, n));
    });
    check("adamw " + at, [n](auto& k, Call& c) {
      const View p = c.normal(n), m = c.normal(n, 0.1), v = c.uniform(n, 0, 0.1);
      for (Size step : {1, 2, 30})
        k.adamw({.lr = 1e-2, .weight_decay = 0.1, .grad_scale = 0.5, .step = step}, c.updated(p, n), c.normal(n),
                c.updated(m, n), c.updated(v, n), n);
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
                       stats = c.output(2 * rows);
            const View exact = c.make(2 * rows, [] { return 0.0; }), dy = c.normal(n), y = c.output(n);
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

TEST_CASE("cpu: NaN, infinity and extreme values come through") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const std::vector<double> special = {nan,   inf,   -inf, 0,  -0.0, 88.5, -88.5, 104, -104, 1e30,
                                       -1e30, 1e-30, 5,    -5, 13,   -13,  1,     2,   3};
  const Size n = static_cast<Size>(special.size());
  for (Unary op : {Unary::exp, Unary::square, Unary::relu, Unary::gelu})
    check("unary " + std::to_string(static_cast<int>(op)), [&](auto& k, Call& c) {
      for (double v : special) {
        const View x = c.value(20, v), y = c.output(20);  // each in every lane
        k.unary(op, x, y, 20);
        k.unary_backward(op, x, y, c.value(20, 1), c.output(20), 20);
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

#include "data/synthetic.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "backends/backend.h"
#include "core/dense_solver.h"
#include "core/error.h"
#include "core/rng.h"

namespace triptych::data {
namespace {

enum class Use : std::uint64_t { mixing = 0x51, covariance, cause, samples, transform, factor, label };  // of Philox
Rng draws(std::uint64_t seed, Use use, std::uint64_t index = 0) {
  return Rng(seed, static_cast<std::uint64_t>(use) << 56 | index);
}

std::uint64_t word(Rng rng) {
  const std::uint64_t high = rng.bits();
  return high << 32 | rng.bits();
}

template <class F>
Tensor filled(Shape shape, F&& value) {
  Tensor t(shape, DType::f64);
  for (std::int64_t i = 0; i < t.size(); ++i) t.data<double>()[i] = value();
  return t;
}
Tensor normals(Shape shape, Rng rng, double deviation = 1) {
  return filled(shape, [&] { return deviation * rng.normal(); });
}
Tensor uniforms(Shape shape, Rng rng, double most) {
  return filled(shape, [&] { return rng.uniform(-most, most); });
}

// x (n, d) times m^T: every row through the square or tall matrix m (k, d).
Tensor through(const Tensor& x, const Tensor& m) {
  Tensor y({x.shape()[0], m.shape()[0]}, DType::f64);
  cpu_kernels().gemm({.trans_b = true, .m = x.shape()[0], .n = m.shape()[0], .k = m.shape()[1]}, x.view(), m.view(),
                     y.view());
  return y;
}

Tensor beside(std::initializer_list<Tensor> parts) {
  const std::int64_t n = parts.begin()->shape()[0];
  std::int64_t width = 0, at = 0;
  for (const Tensor& p : parts) width += p.shape()[1];
  Tensor all({n, width}, DType::f64);
  for (const Tensor& p : parts) {
    const std::int64_t d = p.shape()[1];
    for (std::int64_t i = 0; i < n; ++i) std::copy_n(p.data<double>() + i * d, d, all.data<double>() + i * width + at);
    at += d;
  }
  return all;
}

Tensor square_of_unit_columns(std::int64_t d, Rng& rng) {
  Tensor m = filled({d, d}, [&] { return rng.uniform(-1, 1); });
  for (std::int64_t j = 0; j < d; ++j) {
    double length = 0;
    for (std::int64_t i = 0; i < d; ++i) length += m.at(i * d + j) * m.at(i * d + j);
    for (std::int64_t i = 0; i < d; ++i) m.set(i * d + j, m.at(i * d + j) / std::sqrt(length));
  }
  return m;
}

double condition(const Tensor& m) {
  const std::vector<double> s = svd(m).s.values();
  return s.front() / s.back();
}

// Wishart(d, I) is the covariance of G e with e ~ N(0, I) and G (d, d) of independent N(0, 1).
Tensor covariance_root(std::int64_t d, std::uint64_t seed, std::uint64_t block) {
  return normals({d, d}, draws(seed, Use::covariance, block));
}

std::vector<std::int32_t> median_split(const Tensor& score) {
  std::vector<double> sorted = score.values();
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < score.size(); ++i) labels.push_back(score.at(i) >= *middle);
  return labels;
}

}  // namespace

Identifiability::Identifiability(const IdentifiabilityOptions& o, std::uint64_t seed) : options_(o), seed_(seed) {
  if (std::min({o.content, o.style, o.own, o.layers, o.best, o.candidates}) < 1 || o.best > o.candidates ||
      !(o.change >= 0 && o.change <= 1))
    throw Error(Exit::usage, "synthetic.options",
                "identifiability: widths, layers and best must be at least 1, best at most candidates, and change in "
                "[0, 1]");
  const std::int64_t width = o.content + o.style + o.own;
  Rng compared = draws(seed, Use::mixing);
  std::vector<double> conditions;
  for (std::int64_t i = 0; i < o.candidates; ++i)
    conditions.push_back(condition(square_of_unit_columns(width, compared)));
  const auto worst_good = conditions.begin() + o.best - 1;
  std::nth_element(conditions.begin(), worst_good, conditions.end());
  Rng rng = draws(seed, Use::mixing, 1);
  for (auto& matrices : mixing_)
    while (std::ssize(matrices) < o.layers) {
      Tensor m = square_of_unit_columns(width, rng);
      if (condition(m) <= *worst_good) matrices.push_back(std::move(m));
    }
  if (o.statistical) {
    content_ = covariance_root(o.content, seed, 0);
    style_ = covariance_root(o.style, seed, 1);
    change_ = covariance_root(o.style, seed, 2);
    own_[0] = covariance_root(o.own, seed, 3);
    own_[1] = covariance_root(o.own, seed, 4);
  }
  if (o.causal) {
    effect_ = normals({o.style, o.content}, draws(seed, Use::cause));
    shift_ = normals({o.style}, draws(seed, Use::cause, 1));
  }
}

IdentifiabilitySamples Identifiability::draw(std::uint64_t series, std::uint64_t index, std::int64_t n) const {
  Rng rng(word(Rng(series, word(draws(seed_, Use::samples)))), index);
  const auto gaussian = [&](std::int64_t width, const Tensor& root) {
    const Tensor e = filled({n, width}, [&] { return rng.normal(); });
    return root ? through(e, root) : e;
  };
  const Kernels& k = cpu_kernels();
  const Tensor content = gaussian(options_.content, content_), style = gaussian(options_.style, style_);
  if (effect_) {
    const Tensor caused = through(content, effect_);
    k.axpby(1, caused.view(), 1, style.view(), style.size());
    k.add_bias(shift_.view(), style.view(), n, options_.style);
  }
  const Tensor changed = style.clone(), noise = gaussian(options_.style, change_);
  for (std::int64_t i = 0; i < changed.size(); ++i)
    if (rng.uniform() < options_.change) changed.data<double>()[i] += noise.data<double>()[i];
  const std::array<Tensor, 2> styles{style, changed};

  IdentifiabilitySamples out;
  out.content = content.to(DType::f32);
  for (std::size_t view = 0; view < 2; ++view) {
    const Tensor own = gaussian(options_.own, own_[view]);
    Tensor x = beside({content, styles[view], own});
    for (std::size_t layer = 0; layer < mixing_[view].size(); ++layer) {
      for (std::int64_t i = 0; layer > 0 && i < x.size(); ++i) x.data<double>()[i] *= x.data<double>()[i] < 0 ? 0.2 : 1;
      x = through(x, mixing_[view][layer]);
    }
    out.x[view] = x.to(DType::f32);
    out.style[view] = styles[view].to(DType::f32);
    out.own[view] = own.to(DType::f32);
  }
  return out;
}

LinearViews linear_views(std::int64_t n, std::uint64_t seed) {
  constexpr std::int64_t width = 50, observed = 2 * width, hidden = 100;
  const auto xavier = [](std::int64_t in, std::int64_t out) { return std::sqrt(6.0 / static_cast<double>(in + out)); };
  LinearViews views;
  std::array<Tensor, 3> z;
  for (std::uint64_t f = 0; f < 3; ++f) {
    z[f] = normals({n, width}, draws(seed, Use::factor, f), std::sqrt(0.5));
    Tensor bent = through(z[f], uniforms({hidden, width}, draws(seed, Use::label, 10 * f), xavier(width, hidden)));
    cpu_kernels().unary(Unary::relu, bent.view(), bent.view(), bent.size());
    Tensor score = through(bent, uniforms({1, hidden}, draws(seed, Use::label, 10 * f + 1), xavier(hidden, 1)));
    const Tensor noise = normals({n, 1}, draws(seed, Use::label, 10 * f + 2), 0.1);
    cpu_kernels().axpby(1, noise.view(), 1, score.view(), n);
    views.labels[f] = median_split(score);
    views.factors[f] = z[f].to(DType::f32);
  }
  const auto seen = [&](const Tensor& own, std::uint64_t view) {
    return through(beside({own, z[1]}), uniforms({observed, observed}, draws(seed, Use::transform, view), 1))
        .to(DType::f32);
  };
  views.x = seen(z[0], 0);
  views.y = seen(z[2], 1);
  return views;
}

}  // namespace triptych::data

// A scheme on its own: made, fed with drawn tokens, and its codes compared.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/rng.h"
#include "models/checks.h"
#include "models/layers/init.h"
#include "models/scheme.h"

namespace triptych::test {

inline Tensor drawn(Shape shape, std::uint64_t stream, DType dtype = DType::f64) {
  Tensor t(shape, dtype);
  Rng rng(5, stream);
  for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, rng.normal());
  return t;
}

// One modality of a batch: x (B,L,w), mask (B,L) or null.
struct Fed {
  Tensor x, mask;
};

// L tokens of width d for each of `modalities`.
inline std::vector<Fed> inputs(std::size_t modalities, std::int64_t batch, std::int64_t d, DType dtype = DType::f64) {
  std::vector<Fed> list;
  for (std::size_t m = 0; m < modalities; ++m)
    list.push_back({drawn({batch, 3 + static_cast<std::int64_t>(m), d}, m, dtype), {}});
  return list;
}

// The same tokens, `more` large ones of padding behind them.
inline Fed padded(const Fed& in, std::int64_t more) {
  const std::int64_t batch = in.x.shape()[0], real = in.x.shape()[1], d = in.x.shape()[2], tokens = real + more;
  Fed out{Tensor::full({batch, tokens, d}, in.x.dtype(), 9), Tensor::zeros({batch, tokens}, in.x.dtype())};
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t j = 0; j < real; ++j) {
      out.mask.set(b * tokens + j, in.mask ? in.mask.at(b * real + j) : 1);
      for (std::int64_t c = 0; c < d; ++c) out.x.set((b * tokens + j) * d + c, in.x.at((b * real + j) * d + c));
    }
  return out;
}

// Rows of the batch in the order given.
inline Tensor rows(const Tensor& t, const std::vector<std::int64_t>& order) {
  if (!t) return t;
  const std::int64_t size = t.size() / t.shape()[0];
  Tensor out(t.shape(), t.dtype());
  for (std::size_t i = 0; i < order.size(); ++i)
    for (std::int64_t j = 0; j < size; ++j) out.set(static_cast<std::int64_t>(i) * size + j, t.at(order[i] * size + j));
  return out;
}

inline double difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a.at(i) - b.at(i)));
  return worst;
}

inline double largest(const Tensor& t) {
  double worst = 0;
  for (std::int64_t i = 0; t && i < t.size(); ++i) worst = std::max(worst, std::abs(t.at(i)));
  return worst;
}

// A pass of a scheme with its tokens as variables.
template <class SchemeType>
struct Pass {
  Parameters parameters;
  std::unique_ptr<SchemeType> scheme;
  Tape tape{cpu_kernels()};
  std::vector<Var> tokens;
  std::vector<Encoded> encoded;
  std::unique_ptr<Context> context;
  Factors f;

  template <class Config>
  Pass(const Config& config, const std::vector<Fed>& in, double gate = 1, bool training = true,
       const Wanted& wanted = {true, true, true, true}, bool same = true, std::uint64_t seed = 0) {
    const DType dtype = std::find_if(in.begin(), in.end(), [](const Fed& i) { return bool(i.x); })->x.dtype();
    std::vector<EncodedWidths> widths;
    for (std::size_t m = 0; m < in.size(); ++m) {
      const std::int64_t w = in[m].x ? in[m].x.shape()[2] : config.width;
      widths.push_back({"m" + std::to_string(m), w, w, same});
    }
    scheme = std::make_unique<SchemeType>(Init(parameters, dtype, 3), widths, config);
    run(in, gate, training, wanted, seed);
  }

  void run(const std::vector<Fed>& in, double gate = 1, bool training = true,
           const Wanted& wanted = {true, true, true, true}, std::uint64_t seed = 0) {
    context = std::make_unique<Context>(tape, parameters);
    context->begin(training, seed);
    tokens.clear();
    encoded.clear();
    for (const Fed& i : in) {
      tokens.push_back(i.x ? tape.variable(i.x) : Var{});
      const Tokens t{tokens.back(), i.x && i.mask ? tape.constant(i.mask) : Var{}};
      encoded.push_back({t, t, {}});
    }
    f = scheme->factors(*context, encoded, gate, wanted);
  }

  // Everything that is a code.
  std::vector<Tensor> codes() const {
    std::vector<Tensor> all;
    for (const Vars* list : {&f.private_codes, &f.shared_codes})
      for (const Var& v : *list)
        if (v) all.push_back(v.value());
    if (f.joint) all.push_back(f.joint.value());
    return all;
  }

  // dL/dwrt for L = a fixed random mix of a code's entries; null where it does not depend on it.
  Tensor gradient(const Var& code, const Var& wrt) {
    if (!code.requires_grad()) return {};
    return tape.gradients(code, {wrt}, drawn(code.shape(), 77, code.dtype()))[wrt];
  }
  std::vector<Tensor> parameter_gradients(const Var& code) {
    if (!code.requires_grad()) return std::vector<Tensor>(parameters.size());
    const Gradients g = tape.gradients(code, context->parameters(), drawn(code.shape(), 77, code.dtype()));
    return {g.tensors().begin(), g.tensors().end()};
  }
};

// The gradient checks of one scheme.
inline void check_gradients(const std::string& scheme) {
  int count = 0;
  for (const SchemeCheck& check : scheme_checks()) {
    if (check.scheme != scheme) continue;
    ++count;
    CAPTURE(check.sample);
    const GradcheckResult r = run(check, cpu_kernels());
    CAPTURE(r.max_rel_error);
    CHECK_MESSAGE(r.pass, r.reason);
  }
  CHECK(count > 0);
}

}  // namespace triptych::test

// What every op and loss gets for being in its registry.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>

#include "core/error.h"
#include "core/gradcheck.h"
#include "tests/registered.h"

using namespace triptych;

namespace {

const Kernels* const backends[] = {&reference_kernels(), &cpu_kernels()};

// f(op, sample) for every sample of everything registered; a failure names both.
template <class F>
void each_sample(F&& f) {
  for (const OpInfo* op : registered())
    for (const Sample& sample : op->samples) {
      CAPTURE(op->name);
      CAPTURE(sample.name);
      f(*op, sample);
    }
}

// A call recorded on a tape of its own, with a random signed upstream for each output.
struct Recording {
  Tape tape;
  const OpInfo& op;
  std::vector<Var> in;
  Outputs out;

  Recording(const OpInfo& info, const Sample& sample, const Kernels& kernels, std::span<const Tensor> inputs,
            bool reference = false)
      : tape(kernels), op(info), out(call(info, tape, inputs, sample.settings, in, reference)) {}

  // Summed over the outputs; null where there is none, and for every input that is not differentiable.
  std::vector<Tensor> gradients() {
    std::vector<Var> wanted;
    for (const Var& v : in)
      if (v.requires_grad()) wanted.push_back(v);
    std::vector<Tensor> total(in.size());
    for (std::size_t k = 0; k < out.size(); ++k) {
      if (!out[k] || !out[k].requires_grad()) continue;
      const Tensor upstream =
          make({Draw::Law::normal, out[k].shape(), 0, 1, {}}, {"", ""}, DType::f64, 500 + k).to(out[k].dtype());
      const Gradients g = tape.gradients(out[k], wanted, upstream);
      for (std::size_t i = 0; i < in.size(); ++i) {
        if (!in[i].requires_grad() || !g[in[i]]) continue;
        if (!total[i]) total[i] = Tensor::zeros(in[i].shape(), in[i].dtype());
        tape.kernels().axpby(1, g[in[i]].view(), 1, total[i].view(), total[i].size());
      }
    }
    return total;
  }
};

// The largest difference of two tensors, on the scale of the second one.
double distance(const Tensor& a, const Tensor& b) {
  if (!a || !b) return !a && !b ? 0 : INFINITY;
  if (a.shape() != b.shape()) return INFINITY;
  double worst = 0, scale = 1e-3;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    scale = std::max(scale, std::abs(b.at(i)));
    worst = std::max(worst, std::isfinite(a.at(i)) ? std::abs(a.at(i) - b.at(i)) : INFINITY);
  }
  return worst / scale;
}

double distance(const Outputs& a, const Outputs& b) {
  if (a.size() != b.size()) return INFINITY;
  double worst = 0;
  for (std::size_t k = 0; k < a.size(); ++k)
    worst = std::max(worst, distance(a[k] ? a[k].value() : Tensor{}, b[k] ? b[k].value() : Tensor{}));
  return worst;
}

double distance(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, distance(a[i], b[i]));
  return worst;
}

// Rounding errors of a sum grow with the root of its length.
double float32_tolerance(const std::vector<Tensor>& inputs) {
  std::int64_t size = 0;
  for (const Tensor& t : inputs) size += t ? t.size() : 0;
  return 16 * std::numeric_limits<float>::epsilon() * std::sqrt(static_cast<double>(size));
}

// float32 draws as float64, so that both precisions start from the same numbers.
std::vector<Tensor> widened(std::vector<Tensor> inputs) {
  for (Tensor& t : inputs)
    if (t && t.dtype() == DType::f32) t = t.to(DType::f64);
  return inputs;
}

bool has_nan(const Outputs& out) {
  for (const Var& y : out)
    for (std::int64_t i = 0; y && i < y.value().size(); ++i)
      if (std::isnan(y.value().at(i))) return true;
  return false;
}

}  // namespace

TEST_CASE("registry: names are unique and every entry explains itself") {
  std::set<std::string_view> names;
  for (const OpInfo* op : registered()) {
    CAPTURE(op->name);
    CHECK(names.insert(op->name).second);
    CHECK(op->formula.starts_with("\n" + std::string(op->name) + ":"));
    for (const char* part : {"\n  forward ", "\n  backward ", "\n  saves ", "\n  source "})
      CHECK_MESSAGE(op->formula.find(part) != op->formula.npos, part);
    CHECK_FALSE(op->samples.empty());
    std::set<std::string_view> samples;
    for (const Sample& s : op->samples) {
      CHECK(samples.insert(s.name).second);
      CHECK(s.inputs.size() <= op->inputs.size());
    }
  }
}

TEST_CASE("registry: every sample's gradients agree with finite differences, on both backends") {
  each_sample([](const OpInfo& op, const Sample& sample) {
    for (const Kernels* k : backends) {
      const GradcheckResult r = gradcheck(op, sample, *k);
      CAPTURE(k->name);
      CAPTURE(r.max_rel_error);
      CHECK_MESSAGE(r.pass, r.reason);
    }
  });
}

TEST_CASE("registry: the reference form gives the same values and gradients") {
  each_sample([](const OpInfo& op, const Sample& sample) {
    if (!op.reference) return;
    const std::vector<Tensor> inputs = make_inputs(op, sample, DType::f64);
    Recording a(op, sample, reference_kernels(), inputs), b(op, sample, reference_kernels(), inputs, true);
    CHECK(distance(a.out, b.out) < 1e-12);
    if (b.out[0].requires_grad()) CHECK(distance(a.gradients(), b.gradients()) < 1e-12);
  });
}

TEST_CASE("registry: float32 follows float64, and the cpu backend the reference") {
  each_sample([](const OpInfo& op, const Sample& sample) {
    const std::vector<Tensor> narrow = make_inputs(op, sample, DType::f32), wide = widened(narrow);
    Recording truth(op, sample, reference_kernels(), wide);
    const std::vector<Tensor> gradients = truth.gradients();
    for (const Kernels* k : backends) {
      CAPTURE(k->name);
      Recording r32(op, sample, *k, narrow), r64(op, sample, *k, wide);
      CHECK(distance(r32.out, truth.out) < float32_tolerance(narrow));
      CHECK(distance(r32.gradients(), gradients) < float32_tolerance(narrow));
      CHECK(distance(r64.out, truth.out) < 1e-12);
      CHECK(distance(r64.gradients(), gradients) < 1e-12);
    }
  });
}

TEST_CASE("registry: one leaf given as two inputs receives the sum of both gradients") {
  each_sample([](const OpInfo& op, const Sample& sample) {
    std::vector<Tensor> inputs = make_inputs(op, sample, DType::f64);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      for (std::size_t j = i + 1; j < inputs.size(); ++j) {
        const bool real = op.inputs[i].kind == Kind::real && op.inputs[j].kind == Kind::real;
        if (!real || !inputs[i] || !inputs[j] || inputs[i].shape() != inputs[j].shape()) continue;
        std::vector<Tensor> equal = inputs;
        equal[j] = equal[i];
        Recording apart(op, sample, reference_kernels(), equal), together(op, sample, reference_kernels(), equal);
        std::vector<Var> in;
        for (const Var& v : apart.in)
          in.push_back(!v                  ? v
                       : v.requires_grad() ? together.tape.variable(v.value())
                                           : together.tape.constant(v.value()));
        in[j] = in[i];
        together.in = in;
        together.out = op.apply({op, together.tape, in, sample.settings});
        const std::vector<Tensor> a = apart.gradients();
        Tensor sum = a[i].clone();
        reference_kernels().axpby(1, a[j].view(), 1, sum.view(), sum.size());
        CHECK(distance(together.gradients()[i], sum) < 1e-12);
      }
  });
}

TEST_CASE("registry: an input that wants no gradient changes no other gradient") {
  each_sample([](const OpInfo& op, const Sample& sample) {
    const std::vector<Tensor> inputs = make_inputs(op, sample, DType::f64);
    for (const Kernels* k : backends) {
      Recording all(op, sample, *k, inputs);
      const std::vector<Tensor> expected = all.gradients();
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!all.in[i].requires_grad()) continue;
        Recording some(op, sample, *k, inputs);
        for (std::size_t j = 0; j < inputs.size(); ++j)
          if (some.in[j])
            some.in[j] =
                j != i && all.in[j].requires_grad() ? some.tape.variable(inputs[j]) : some.tape.constant(inputs[j]);
        some.out = op.apply({op, some.tape, some.in, sample.settings});
        const std::vector<Tensor> found = some.gradients();
        CHECK_FALSE(found[i]);
        for (std::size_t j = 0; j < inputs.size(); ++j)
          if (j != i && expected[j]) CHECK(same_bits(found[j], expected[j]));
      }
    }
  });
}

TEST_CASE("registry: an output that is not used gives no gradient, and inputs are not written to") {
  each_sample([](const OpInfo& op, const Sample& sample) {
    const std::vector<Tensor> inputs = make_inputs(op, sample, DType::f64);
    for (const Kernels* k : backends) {
      Recording r(op, sample, *k, inputs);
      r.gradients();
      const Var other = r.tape.variable(Tensor::scalar(1, DType::f64));
      for (const Var& v : r.in)
        if (v) CHECK_FALSE(r.tape.gradients(other, {v})[v]);
      const std::vector<Tensor> fresh = make_inputs(op, sample, DType::f64);
      for (std::size_t i = 0; i < inputs.size(); ++i)
        if (inputs[i]) CHECK(same_bits(inputs[i], fresh[i]));
    }
  });
}

TEST_CASE("registry: NaN in any input reaches the output") {
  each_sample([](const OpInfo& op, const Sample& sample) {
    for (std::size_t i = 0; i < op.inputs.size(); ++i)
      for (const DType dtype : {DType::f32, DType::f64})
        for (const Kernels* k : backends) {
          std::vector<Tensor> inputs = make_inputs(op, sample, dtype);
          if (op.inputs[i].kind != Kind::real || !inputs[i]) continue;
          inputs[i] = Tensor::full(inputs[i].shape(), dtype, std::numeric_limits<double>::quiet_NaN());
          CAPTURE(op.inputs[i].name);
          CAPTURE(k->name);
          CHECK(has_nan(Recording(op, sample, *k, inputs).out));
        }
  });
}

TEST_CASE("registry: every error case throws its message") {
  for (const OpInfo* op : registered())
    for (const ErrorCase& e : op->errors) {
      Tape tape(reference_kernels());
      std::vector<Var> in;
      CHECK_THROWS_WITH_AS(call(*op, tape, make_inputs(*op, e.sample, DType::f64), e.sample.settings, in),
                           std::string(e.message).c_str(), Error);
    }
}

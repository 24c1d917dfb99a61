#include "core/gradcheck.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/rng.h"

namespace triptych {
namespace {

class Checker {
 public:
  Checker(const Recorded& f, std::span<const Tensor> inputs, const std::vector<bool>& differentiable, const Kernels& k,
          const GradcheckOptions& options)
      : f_(f), differentiable_(differentiable), kernels_(k), options_(options) {
    for (const Tensor& t : inputs) inputs_.push_back(t ? t.clone() : t);
  }

  GradcheckResult run(const std::vector<std::string>& names) {
    Tape tape(kernels_);
    std::vector<Var> in;
    const Outputs out = record(tape, in);
    draw_upstreams(out);
    analytic_.resize(upstreams_.size());
    for (std::size_t u = 0; u < upstreams_.size(); ++u) analytic_[u] = backward(tape, out, in, upstreams_[u]);
    for (std::size_t i = 0; i < in.size(); ++i)
      if (wanted(i) && !compare(i, names[i])) return result_;
    if (!repeatable(tape, out, in)) return fail("two walks of one tape gave different bits");
    if (!silent_at_zero(tape, out, in)) return fail("a zero upstream gave a gradient that is not zero");
    if (result_.checks == 0) return fail("nothing to check: no differentiable input");
    result_.pass = true;
    return result_;
  }

 private:
  using PerOutput = std::vector<Tensor>;  // one upstream per output; null where the output wants none

  bool wanted(std::size_t i) const { return differentiable_[i] && inputs_[i] && inputs_[i].size() > 0; }

  Outputs record(Tape& tape, std::vector<Var>& in) const {
    in.clear();
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      in.push_back(!inputs_[i] ? Var{} : differentiable_[i] ? tape.variable(inputs_[i]) : tape.constant(inputs_[i]));
    return f_(tape, in);
  }

  void draw_upstreams(const Outputs& out) {
    for (int d = 0; d < options_.draws; ++d) {
      PerOutput u(out.size());
      for (std::size_t k = 0; k < out.size(); ++k)
        if (out[k] && out[k].requires_grad())
          u[k] = triptych::make({Draw::Law::normal, out[k].shape(), 0, 1, {}}, {"", ""}, DType::f64,
                                static_cast<std::uint64_t>(1000 * d) + k);
      upstreams_.push_back(std::move(u));
    }
  }

  std::vector<Tensor> backward(Tape& tape, const Outputs& out, const std::vector<Var>& in, const PerOutput& u) const {
    std::vector<Var> wrt;
    for (std::size_t i = 0; i < in.size(); ++i)
      if (wanted(i)) wrt.push_back(in[i]);
    std::vector<Tensor> total(in.size());
    for (std::size_t k = 0; k < out.size(); ++k) {
      if (!u[k]) continue;
      const Gradients g = tape.gradients(out[k], wrt, u[k]);
      for (std::size_t i = 0; i < in.size(); ++i) {
        if (!wanted(i) || !g[in[i]]) continue;
        if (!total[i]) total[i] = Tensor::zeros(inputs_[i].shape(), DType::f64);
        kernels_.axpby(1, g[in[i]].view(), 1, total[i].view(), total[i].size());
      }
    }
    return total;
  }

  // sum_k <u_k, y_k> for every upstream, at the inputs as they now stand.
  std::vector<double> evaluate() const {
    Tape tape(kernels_);
    std::vector<Var> in;
    const Outputs out = record(tape, in);
    std::vector<double> values;
    for (const PerOutput& u : upstreams_) {
      double v = 0;
      for (std::size_t k = 0; k < out.size(); ++k)
        for (std::int64_t i = 0; u[k] && i < u[k].size(); ++i) v += u[k].at(i) * out[k].value().at(i);
      values.push_back(v);
    }
    return values;
  }

  // d/dt of the values along `direction` (null: along element `at` alone) of input i.
  std::vector<double> derivative(std::size_t i, const Tensor& direction, std::int64_t at) {
    struct Point {
      double step, weight;
    };
    static const std::vector<Point> smooth = {{-3, -1. / 60}, {-2, 9. / 60}, {-1, -45. / 60},
                                              {1, 45. / 60},  {2, -9. / 60}, {3, 1. / 60}};
    static const std::vector<Point> short_step = {{-1, -0.5}, {1, 0.5}};
    const double h = options_.step > 0 ? options_.step : options_.kinks ? 6e-6 : 5.8e-3;
    const Tensor saved = inputs_[i];  // the tape under test shares it, so the moved point is a copy
    std::vector<double> d(upstreams_.size());
    for (const auto& [step, weight] : options_.kinks ? short_step : smooth) {
      inputs_[i] = saved.clone();
      for (std::int64_t j = 0; direction && j < saved.size(); ++j)
        inputs_[i].set(j, saved.at(j) + step * h * direction.at(j));
      if (!direction) inputs_[i].set(at, saved.at(at) + step * h);
      const std::vector<double> v = evaluate();
      for (std::size_t u = 0; u < d.size(); ++u) d[u] += weight * v[u] / h;
    }
    inputs_[i] = saved;
    return d;
  }

  bool compare(std::size_t i, const std::string& name) {
    std::vector<std::vector<double>> numeric, analytic;  // [comparison][upstream]
    const std::int64_t n = inputs_[i].size();
    const bool full = n <= options_.full_entries;
    for (std::int64_t c = 0; c < (full ? n : options_.draws); ++c) {
      Tensor direction;
      if (!full) {  // of unit length on average, so that the step stays h
        direction =
            triptych::make({Draw::Law::normal, inputs_[i].shape(), 0, 1 / std::sqrt(static_cast<double>(n)), {}},
                           {"", ""}, DType::f64, 7777 + static_cast<std::uint64_t>(c));
      }
      numeric.push_back(derivative(i, direction, c));
      std::vector<double> a(upstreams_.size());
      for (std::size_t u = 0; u < a.size(); ++u) {
        const Tensor& g = analytic_[u][i];
        if (!g) continue;
        if (full) a[u] = g.at(c);
        for (std::int64_t j = 0; !full && j < n; ++j) a[u] += g.at(j) * direction.at(j);
      }
      analytic.push_back(std::move(a));
    }
    double scale = 0, worst = 0;
    for (std::size_t c = 0; c < numeric.size(); ++c)
      for (std::size_t u = 0; u < upstreams_.size(); ++u) {
        const double difference = std::abs(analytic[c][u] - numeric[c][u]);
        if (!std::isfinite(difference)) return fail(name + ": a gradient is not finite"), false;
        scale = std::max(scale, std::abs(numeric[c][u]));
        worst = std::max(worst, difference);
        ++result_.checks;
      }
    if (scale < 1e-8 && worst < 1e-8) return fail(name + ": every gradient is zero, so nothing was checked"), false;
    const double error = worst / std::max(scale, 1e-8);
    result_.max_rel_error = std::max(result_.max_rel_error, error);
    if (error > options_.tolerance) return fail(name + ": gradient and finite difference disagree"), false;
    return true;
  }

  bool repeatable(Tape& tape, const Outputs& out, const std::vector<Var>& in) const {
    const std::vector<Tensor> again = backward(tape, out, in, upstreams_[0]);
    for (std::size_t i = 0; i < in.size(); ++i)
      if (again[i] && !same_bits(again[i], analytic_[0][i])) return false;
    return true;
  }

  bool silent_at_zero(Tape& tape, const Outputs& out, const std::vector<Var>& in) const {
    PerOutput zero = upstreams_[0];
    for (Tensor& t : zero)
      if (t) t = Tensor::zeros(t.shape(), DType::f64);
    for (const Tensor& g : backward(tape, out, in, zero))
      for (std::int64_t j = 0; g && j < g.size(); ++j)
        if (g.at(j) != 0) return false;
    return true;
  }

  GradcheckResult fail(std::string reason) {
    result_.reason = std::move(reason);
    return result_;
  }

  const Recorded& f_;
  std::vector<Tensor> inputs_;
  const std::vector<bool>& differentiable_;
  const Kernels& kernels_;
  GradcheckOptions options_;
  std::vector<PerOutput> upstreams_;
  std::vector<std::vector<Tensor>> analytic_;  // [upstream][input]
  GradcheckResult result_;
};

}  // namespace

GradcheckResult gradcheck(const Recorded& function, std::span<const Tensor> inputs,
                          const std::vector<bool>& differentiable, const std::vector<std::string>& names,
                          const Kernels& kernels, const GradcheckOptions& options) {
  return Checker(function, inputs, differentiable, kernels, options).run(names);
}

GradcheckResult gradcheck(const OpInfo& info, const Sample& sample, const Kernels& kernels, bool reference) {
  std::vector<bool> differentiable;
  std::vector<std::string> names;
  for (const Input& i : info.inputs) {
    differentiable.push_back(i.kind == Kind::real);
    names.emplace_back(i.name);
  }
  const Recorded f = [&](Tape& tape, std::span<const Var> in) {
    const Call c{info, tape, in, sample.settings};
    return reference ? info.reference(c) : info.apply(c);
  };
  return gradcheck(f, make_inputs(info, sample, DType::f64), differentiable, names, kernels, {.kinks = info.kinks});
}

}  // namespace triptych

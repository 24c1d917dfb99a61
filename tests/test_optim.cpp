#include <doctest/doctest.h>

#include <cmath>

#include "core/arena.h"
#include "core/error.h"
#include "optim/adam.h"
#include "optim/clip.h"
#include "optim/schedule.h"
#include "optim/sgd.h"

using namespace triptych;

namespace {

Tensor tensor(Shape shape, std::vector<double> values, DType dtype = DType::f64) {
  return Tensor::from(shape, std::span<const double>(values), dtype);
}

Parameters weight_and_bias(DType dtype = DType::f64) {
  Parameters p;
  p.add("weight", tensor({2, 2}, {1, -2, 0.5, 3}, dtype));
  p.add("bias", tensor({2}, {0.1, -0.2}, dtype));
  return p;
}

std::vector<Tensor> gradients_of_step(int s, DType dtype = DType::f64) {
  return {tensor({2, 2}, {0.1 * (s + 1), -0.3, 0.2 - 0.05 * s, 0.01}, dtype),
          tensor({2}, {0.4, 0.02 * s - 0.1}, dtype)};
}

const AdamOptions options{.weight_decay = 0.1};

}  // namespace

TEST_CASE("optimizers: ten steps give PyTorch's numbers, on both backends") {
  // torch.optim of PyTorch 2.15.0 in float64: lr 0.01, betas (0.9, 0.999), eps 1e-8, weight decay 0.1 on the weight
  // only
  struct Case {
    OptimizerConfig config;
    std::vector<double> weight, bias;
  };
  const Case cases[] = {
      {{.rule = "adamw", .weight_decay = 0.1},
       {0.8920238056848203, -1.8805385658353522, 0.44980356440399916, 2.8705835422778248},
       {2.5000001270536476e-09, -0.1366610735034141}},
      {{.rule = "adam", .weight_decay = 0.1},
       {0.8996561566674819, -1.9000654802239545, 0.4379775892359899, 2.900106677205409},
       {2.5000001270536476e-09, -0.1366610735034141}},
      {{.rule = "sgd", .weight_decay = 0.1, .momentum = 0},
       {0.9352095506712864, -1.9502244010487413, 0.49755230539847545, 2.969139128650219},
       {0.05999999999999997, -0.199}},
      {{.rule = "sgd", .weight_decay = 0.1},
       {0.7823964293008915, -1.7948952887672838, 0.46522848748665246, 2.8728350790357156},
       {-0.06552423843600003, -0.185856821173}},
      {{.rule = "sgd", .weight_decay = 0.1, .nesterov = true},
       {0.7402465978880021, -1.7666828395587362, 0.46655468874711425, 2.855343360526417},
       {-0.08897181459240001, -0.1862711390557}},
  };
  for (const Case& c : cases)
    for (const Kernels* k : {&reference_kernels(), &cpu_kernels()})
      for (const DType dtype : {DType::f64, DType::f32}) {
        Parameters p = weight_and_bias(dtype);
        const auto optimizer = make_optimizer(c.config, *k, p);
        for (int s = 0; s < 10; ++s) optimizer->step(0.01, gradients_of_step(s, dtype));
        const double tolerance = dtype == DType::f64 ? 1e-14 : 1e-6;
        CAPTURE(c.config.rule);
        for (int i = 0; i < 4; ++i)
          CHECK(std::abs(p[0].value.at(i) - c.weight[static_cast<std::size_t>(i)]) < tolerance);
        for (int i = 0; i < 2; ++i) CHECK(std::abs(p[1].value.at(i) - c.bias[static_cast<std::size_t>(i)]) < tolerance);
      }
}

TEST_CASE("optimizers: an unknown rule names the nearest, Nesterov needs a momentum") {
  Parameters p = weight_and_bias();
  CHECK_THROWS_WITH_AS(make_optimizer({.rule = "adamv"}, cpu_kernels(), p),
                       "optimizer 'adamv' must be adamw, adam or sgd", Error);
  CHECK_THROWS_WITH_AS(make_optimizer({.rule = "sgd", .momentum = 0, .nesterov = true}, cpu_kernels(), p),
                       "sgd: nesterov = true needs a momentum above 0", Error);
}

TEST_CASE("adamw: the first step moves by lr in the gradient's direction, and decay is decoupled from it") {
  Parameters p = weight_and_bias();
  Adam adamw(reference_kernels(), p, options);
  adamw.step(0.01, gradients_of_step(0));
  CHECK(p[0].value.at(0) == doctest::Approx(1 * (1 - 0.01 * 0.1) - 0.01 * 0.1 / (0.1 + 1e-8)).epsilon(1e-14));
  CHECK(p[1].value.at(0) == doctest::Approx(0.1 - 0.01 * 0.4 / (0.4 + 1e-8)).epsilon(1e-14));  // a bias: no decay
}

TEST_CASE("adamw: grad_scale multiplies the gradient before the moments") {
  Parameters p = weight_and_bias(), q = weight_and_bias();
  Adam a(reference_kernels(), p, options), b(reference_kernels(), q, options);
  for (int s = 0; s < 3; ++s) {
    std::vector<Tensor> halved = gradients_of_step(s);
    for (Tensor& g : halved)
      for (int i = 0; i < g.size(); ++i) g.set(i, 0.5 * g.at(i));
    a.step(0.01, gradients_of_step(s), 0.5);
    b.step(0.01, halved);
  }
  CHECK(same_bits(p[0].value, q[0].value));
  CHECK(same_bits(a.state()[1].second, b.state()[1].second));
}

TEST_CASE("adamw: a parameter without a gradient rests, and later starts from its own step 1") {
  Parameters p = weight_and_bias(), fresh = weight_and_bias();
  Adam adamw(reference_kernels(), p, options), reference(reference_kernels(), fresh, options);
  const Tensor before = p[0].value.clone();
  for (int s = 0; s < 4; ++s) adamw.step(0.01, std::vector<Tensor>{Tensor{}, gradients_of_step(s)[1]});
  CHECK(same_bits(p[0].value, before));
  CHECK(adamw.state()[0].second.at(0) == 0);  // weight.m
  CHECK(adamw.state()[2].second.item() == 0);
  CHECK(adamw.state()[5].second.item() == 4);
  adamw.step(0.01, gradients_of_step(0));
  reference.step(0.01, gradients_of_step(0));
  CHECK(same_bits(p[0].value, fresh[0].value));
}

TEST_CASE("adamw: a step takes no memory") {
  Parameters p = weight_and_bias(DType::f32);
  Adam adamw(cpu_kernels(), p, options);
  const std::vector<Tensor> grads = gradients_of_step(0, DType::f32);
  const auto before = arena::stats().system_allocations;
  for (int s = 0; s < 3; ++s) adamw.step(0.01, grads, clip_factor(global_norm(cpu_kernels(), grads), 1));
  CHECK(arena::stats().system_allocations == before);
}

TEST_CASE("optimizers: a restored state goes on bit for bit") {
  for (const OptimizerConfig& config :
       {OptimizerConfig{}, OptimizerConfig{.rule = "adam"}, OptimizerConfig{.rule = "sgd"},
        OptimizerConfig{.rule = "sgd", .momentum = 0}}) {
    Parameters p = weight_and_bias(), q = weight_and_bias();
    const auto a = make_optimizer(config, reference_kernels(), p), b = make_optimizer(config, reference_kernels(), q);
    for (int s = 0; s < 5; ++s) a->step(0.01, gradients_of_step(s));
    Optimizer::State state = a->state();
    for (auto& [name, t] : state) t = t.clone();
    std::swap(state.front(), state.back());
    for (int i = 0; i < 2; ++i) q[static_cast<std::size_t>(i)].value = p[static_cast<std::size_t>(i)].value.clone();
    b->restore(state);
    for (int s = 5; s < 8; ++s) {
      a->step(0.01, gradients_of_step(s));
      b->step(0.01, gradients_of_step(s));
    }
    for (std::size_t i = 0; i < 2; ++i) CHECK(same_bits(p[i].value, q[i].value));
  }
}

TEST_CASE("adamw: gradients and states that do not fit are refused, and nothing is changed") {
  Parameters p = weight_and_bias();
  Adam adamw(reference_kernels(), p, options);
  CHECK_THROWS_WITH_AS(adamw.step(0.01, std::vector<Tensor>(1)), "[adamw] 1 gradients for 2 parameters", Error);
  CHECK_THROWS_WITH_AS(adamw.step(0.01, std::vector<Tensor>{gradients_of_step(0)[0], tensor({3}, {1, 2, 3})}),
                       "[adamw] gradient of bias must be (2) float64, got (3) float64", Error);
  CHECK(p[0].value.at(0) == 1);

  Optimizer::State state = adamw.state();
  state.pop_back();
  CHECK_THROWS_WITH_AS(adamw.restore(state), "optimizer state: bias.steps is missing", Error);
  state = adamw.state();
  state.emplace_back("head.m", Tensor::scalar(0, DType::f64));
  CHECK_THROWS_WITH_AS(adamw.restore(state), "optimizer state: head.m belongs to no parameter", Error);
  state = adamw.state();
  state[0].second = Tensor::zeros({2, 3}, DType::f64);
  CHECK_THROWS_WITH_AS(adamw.restore(state), "optimizer state: weight.m must be (2, 2) float64, got (2, 3) float64",
                       Error);
}

TEST_CASE("clip: the norm of all gradients together, absent ones left out") {
  const std::vector<Tensor> grads = {tensor({2}, {3, 0}), Tensor{}, tensor({1, 1}, {-4}, DType::f32)};
  CHECK(global_norm(reference_kernels(), grads) == 5);
  CHECK(clip_factor(5, 1) == 0.2);
  CHECK(clip_factor(0.5, 1) == 1);
  CHECK(clip_factor(0, 1) == 1);
  CHECK(std::isnan(clip_factor(NAN, 1)));
}

TEST_CASE("schedule: warm-up, cosine, floor") {
  const WarmupCosine lr{.peak = 2, .floor = 0.5, .warmup = 4, .steps = 12};
  CHECK(lr.at(0) == 0.5);
  CHECK(lr.at(3) == 2);
  CHECK(lr.at(4) == 2);
  CHECK(lr.at(6) == doctest::Approx(0.5 + 0.75 * (1 + std::sqrt(0.5))).epsilon(1e-15));  // a quarter of the way
  CHECK(lr.at(8) == doctest::Approx(1.25).epsilon(1e-15));
  CHECK(lr.at(12) == 0.5);
  CHECK(lr.at(100) == 0.5);
  CHECK(WarmupCosine{.peak = 1, .warmup = 0, .steps = 10}.at(0) == 1);
  CHECK(WarmupCosine{.peak = 1, .warmup = 5, .steps = 5}.at(5) == 1);  // no room for a cosine: the peak, then the floor
  CHECK(WarmupCosine{.peak = 1, .warmup = 5, .steps = 5}.at(6) == 0);
}

// Gradient surgery: golden values (tests/golden/surgery.json), what registry entries promise, the passes over J.
#include <doctest/doctest.h>

#include <fstream>
#include <limits>
#include <set>

#include "core/error.h"
#include "core/gradcheck.h"
#include "optim/surgery/dual_cone.h"
#include "optim/surgery/pcgrad.h"
#include "tests/golden_values.h"
#include "tests/registered.h"
#include "tests/surgery_helpers.h"

using namespace triptych;
using namespace triptych::golden_test;
using namespace triptych::surgery_test;

namespace {

const OpInfo& named(std::string_view name) {
  for (const OpInfo* each : all_surgery())
    if (each->name == name) return *each;
  FAIL("no method " << name);
  return *all_surgery()[0];
}

}  // namespace

TEST_CASE("surgery: golden values") {
  std::ifstream file(TRIPTYCH_GOLDEN_SURGERY);
  REQUIRE(file);
  const json golden = json::parse(file);
  for (const json& c : golden.at("cases")) {
    const OpInfo& info = named(c.at("method").get<std::string>());
    CAPTURE(info.name);
    CAPTURE(c.dump());
    Tape tape(cpu_kernels());
    std::vector<Var> in;
    const Outputs out = call(info, tape, inputs_of(info, golden, c), settings_of(c), in);
    for (const auto& [key, value] : c.at("outputs").items()) {
      CAPTURE(key);
      Tensor got;
      for (std::size_t k = 0; k < info.outputs.size(); ++k)
        if (info.outputs[k] == key) got = out[k].value();
      for (std::size_t k = 0; k < in.size() && !got; ++k)
        if ("grad_" + std::string(info.inputs[k].name) == key)
          got = tape.gradients(out[0], {in[k]}, Tensor::scalar(1, DType::f64))[in[k]];
      REQUIRE(got);
      CHECK(deviation(got, tensor(value)) < 1e-12);
    }
  }
}

TEST_CASE("surgery: every entry says what it guarantees, costs and where it is from; samples and errors hold") {
  std::set<std::string_view> names;
  for (const OpInfo* info : all_surgery()) {
    CAPTURE(info->name);
    CHECK(names.insert(info->name).second);
    CHECK(info->formula.starts_with("\n" + std::string(info->name) + ":"));
    for (const char* part : {"\n  forward ", "\n  guarantee ", "\n  cost ", "\n  edge ", "\n  source "})
      CHECK_MESSAGE(info->formula.find(part) != std::string_view::npos, part);
    for (const Sample& sample : info->samples) {
      CAPTURE(sample.name);
      Tape wide(cpu_kernels()), narrow(cpu_kernels());
      const Outputs a = computed(*info, wide, sample, DType::f64), b = computed(*info, narrow, sample, DType::f32);
      REQUIRE(a.size() == info->outputs.size());
      for (std::size_t k = 0; k < a.size(); ++k) {
        CHECK(b[k].dtype() == DType::f32);
        CHECK(deviation(a[k].value(), b[k].value()) < 1e-3 * (1 + std::abs(a[k].value().at(0))));
      }
    }
    for (const ErrorCase& e : info->errors) {
      Tape tape(cpu_kernels());
      CHECK_THROWS_WITH_AS(computed(*info, tape, e.sample, DType::f64), std::string(e.message).c_str(), Error);
    }
  }
}

TEST_CASE("surgery: uncertainty weighting has the gradient of its value") {
  for (const Sample& sample : named("uncertainty_weighting").samples)
    CHECK(gradcheck(named("uncertainty_weighting"), sample, cpu_kernels()).pass);
}

TEST_CASE("surgery: a bad Jacobian is refused by name") {
  const auto refused = [](const OpInfo& info, const Tensor& jacobian, const std::string& message) {
    CAPTURE(info.name);
    Tape tape(cpu_kernels());
    std::vector<Var> in;
    const std::vector<Tensor> inputs{jacobian};
    CHECK_THROWS_WITH_AS(call(info, tape, inputs, {}, in), message.c_str(), Error);
  };
  Tensor nan = Tensor::full({3, 2}, DType::f64, 1), huge = Tensor::full({2, 2}, DType::f64, 1e200);
  nan.set(3, std::nan(""));
  for (const surgery::Method* method : gramian_methods()) {
    const std::string name = "[" + std::string(method->name) + "] jacobian ";
    const std::string rule = " must be (tasks, parameters), at least one of each";
    refused(*method, Tensor({0, 3}, DType::f64), name + "(0, 3)" + rule);
    refused(*method, Tensor({2, 0}, DType::f32), name + "(2, 0)" + rule);
    refused(*method, Tensor::zeros({4}, DType::f64), name + "(4)" + rule);
    refused(*method, nan, "[gramian] task 1: the squared norm of its gradient is nan, must be finite");
    refused(*method, huge, "[gramian] task 0: the squared norm of its gradient is inf, must be finite");
  }
}

TEST_CASE("surgery: one task and a zero row through compute, never NaN") {
  Matrix zero_row = random_matrix(3, 4, 2);
  zero_row.row(1).setZero();
  for (const surgery::Method* method : gramian_methods())
    for (const Matrix& j : {random_matrix(1, 4, 1), zero_row}) {
      CAPTURE(method->name);
      Tape tape(cpu_kernels());
      std::vector<Var> in;
      const Outputs out = call(*method, tape, std::vector<Tensor>{as_tensor(j)}, {}, in);
      double size = 0;
      for (const double each : out[0].value().values()) size += each * each;
      CHECK(std::isfinite(size));
      CHECK((size > 0) == (j.rows() == 1 || method->name != "mgda"));  // where a gradient is zero, MGDA stands still
    }
}

TEST_CASE("surgery: parameters out of range are refused") {
  const auto refused = [](std::string_view name, const Settings& settings, const char* message) {
    CHECK_THROWS_WITH_AS(weights_of(static_cast<const surgery::Method&>(named(name)), random_matrix(3, 4, 1), settings),
                         message, Error);
  };
  const auto text = [](const char* s) { return std::string(s); };
  refused("cagrad", {{"c", -1.0}}, "[cagrad] c = -1 must be at least 0");
  refused("cagrad", {{"rescale", 3.0}}, "[cagrad] rescale = 3 must be a whole number from 0 to 2");
  refused("upgrad", {{"reg", -1e-4}}, "[upgrad] reg = -0.0001 must be at least 0");
  refused("pcgrad", {{"reduce", text("max")}}, "[pcgrad] reduce = 'max' must be sum or mean");
  for (const char* order : {"0,1", "0,1,1", "0,1,3", "0,1,2,", "a", "[]", ",", "0 1 2", "0,1,99999999999"})
    refused("pcgrad", {{"order", text(order)}},
            ("[pcgrad] order = '" + text(order) + "' must name each of the 3 tasks once, from 0, as in 1,0").c_str());
}

TEST_CASE("surgery: gradients in pieces give what the whole Jacobian gives, absent pieces count as zero") {
  Matrix j = random_matrix(3, 50, 4);
  j.block(1, 20, 1, 25).setZero();
  j.rightCols(5).setZero();
  for (const DType dtype : {DType::f32, DType::f64}) {
    std::vector<surgery::Gradient> tasks(3);
    for (Eigen::Index i = 0; i < 3; ++i) {
      const auto piece = [&](Eigen::Index begin, Eigen::Index size, Shape shape) {
        return as_tensor(j.block(i, begin, 1, size), dtype).reshaped(shape);
      };
      tasks[static_cast<std::size_t>(i)] = {piece(0, 20, {4, 5}), i == 1 ? Tensor{} : piece(20, 25, {25}), Tensor{}};
    }
    const Tensor whole = as_tensor(j, dtype);
    const Gramian pieces = surgery::gramian(cpu_kernels(), tasks), all = surgery::gramian(cpu_kernels(), whole);
    CHECK((pieces.cosines - all.cosines).norm() < 1e-14);
    CHECK((pieces.norms - all.norms).norm() < 1e-14 * all.norms.norm());
    const Vector w = Vector::LinSpaced(3, -1, 2);
    const Tensor step = surgery::combine(cpu_kernels(), whole, w);
    const surgery::Gradient parts = surgery::combine(cpu_kernels(), tasks, w);
    REQUIRE(parts.size() == 3);
    CHECK(parts[0].shape() == Shape{4, 5});
    CHECK_FALSE(parts[2]);
    for (std::int64_t k = 0; k < 45; ++k) CHECK(step.at(k) == (k < 20 ? parts[0].at(k) : parts[1].at(k - 20)));
  }
}

TEST_CASE("pcgrad: orders are drawn per task from the seed; their mean over all is known") {
  const Matrix j = random_matrix(5, 6, 3);
  const auto& pcgrad = static_cast<const surgery::Method&>(named("pcgrad"));
  const auto drawn = [&](double seed) { return weights_of(pcgrad, j, {{"seed", seed}}); };
  CHECK(drawn(1) == drawn(1));
  std::set<double> answers;
  for (int seed = 0; seed < 20; ++seed) answers.insert(drawn(seed).sum());
  CHECK(answers.size() > 3);

  Matrix three(3, 4);
  three << 1, 2, 0, -1, -2, 1, 1, 0.5, 0.5, -1.5, 2, 1;
  Vector mean = Vector::Zero(3);
  for (const char* order : {"0,1,2", "0,2,1", "1,0,2", "1,2,0", "2,0,1", "2,1,0"})
    mean += weights_of(pcgrad, three, {{"order", std::string(order)}}) / 6;
  const Vector known{{1.6666666666666696, 1.1033333333333353, 1.486111111111108}};
  CHECK((mean - known).norm() < 1e-12);
}

TEST_CASE("pcgrad: the mean for two tasks is UPGrad") {
  const std::vector<std::vector<Eigen::Index>> orders{{1}, {0}};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Gramian g = gramian_of(random_scales(2, 3, seed).asDiagonal() * random_matrix(2, 3, seed));
    const Vector a = surgery::pcgrad(g, orders) / 2, b = surgery::upgrad(g);
    CHECK(((a - b).array() / b.array()).abs().maxCoeff() < 1e-12);
  }
}

// triptych compute: files in, files out, against direct calls of the library.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "core/rng.h"
#include "data/npz.h"
#include "ops/layer_norm.h"
#include "tests/test_cli_program.h"

using namespace triptych;
using namespace triptych::cli_test;
using io_test::TempDir;

namespace {

data::Array normal_array(data::Shape shape, std::uint64_t stream) {
  std::int64_t n = 1;
  for (const std::int64_t s : shape) n *= s;
  Rng rng(7, stream);
  std::vector<double> values;
  for (std::int64_t i = 0; i < n; ++i) values.push_back(rng.normal());
  return data::make_array(std::move(shape), values);
}

Tensor tensor(const data::Array& a, DType dtype) {
  return Tensor::from(Shape(std::span<const std::int64_t>(a.shape)), data::to_doubles(a), dtype);
}

data::NamedArrays layer_norm_inputs() {
  return {{"x", normal_array({2, 3, 4}, 1)},
          {"gamma", normal_array({4}, 2)},
          {"beta", normal_array({4}, 3)},
          {"upstream", normal_array({2, 3, 4}, 4)}};
}

// The same by the library.
data::NamedArrays by_library(const data::NamedArrays& in, DType dtype, double eps, bool upstream) {
  Tape tape(cpu_kernels());
  std::vector<Var> v;
  for (int i = 0; i < 3; ++i) v.push_back(tape.variable(tensor(in[static_cast<std::size_t>(i)].second, dtype)));
  const Var y = layer_norm(v[0], v[1], v[2], eps);
  const Tensor u = upstream ? tensor(in[3].second, dtype) : Tensor::full(y.shape(), dtype, 1);
  const Gradients g = tape.gradients(y, v, u);
  data::NamedArrays out;
  const auto add = [&](const char* name, const Tensor& t) {
    const auto sizes = t.shape().sizes();
    const data::Shape shape(sizes.begin(), sizes.end());
    const auto n = static_cast<std::size_t>(t.size());
    out.emplace_back(name, dtype == DType::f64 ? data::make_array(shape, std::span<const double>(t.data<double>(), n))
                                               : data::make_array(shape, std::span<const float>(t.data<float>(), n)));
  };
  add("value", y.value());
  add("grad_x", g[v[0]]);
  add("grad_gamma", g[v[1]]);
  add("grad_beta", g[v[2]]);
  return out;
}

void check_equal(const data::NamedArrays& a, const data::NamedArrays& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(a[i].first);
    CHECK(a[i].first == b[i].first);
    CHECK(a[i].second.dtype == b[i].second.dtype);
    CHECK(a[i].second.shape == b[i].second.shape);
    CHECK(a[i].second.bytes == b[i].second.bytes);
  }
}

}  // namespace

TEST_CASE("compute: values and gradients are those of the library, bit for bit, in both dtypes") {
  const TempDir dir;
  const std::string in = dir / "in.npz", out = dir / "out.npz";
  data::NamedArrays members = layer_norm_inputs();
  data::write_npz(in, members);
  const std::vector<std::string> call = {"compute", "layer_norm", "--in", in, "--out", out};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), call.begin(), call.end());
    const Ended e = run_program(more);
    CHECK_MESSAGE(e.status == 0, e.err);
    return data::read_npz(out);
  };
  check_equal(with({"--grad"}), by_library(members, DType::f64, 1e-5, true));
  check_equal(with({"--grad", "--dtype", "float32"}), by_library(members, DType::f32, 1e-5, true));
  check_equal(with({"--grad", "--param", "eps=0.5", "--threads", "1"}), by_library(members, DType::f64, 0.5, true));
  CHECK(with({}).size() == 1);

  members.pop_back();  // no upstream: ones
  data::write_npz(in, members);
  check_equal(with({"--grad"}), by_library(members, DType::f64, 1e-5, false));
  const double two[] = {2};
  members.emplace_back("upstream", data::make_array({}, two));
  data::write_npz(in, members);
  const auto once = by_library(members, DType::f64, 1e-5, false), twice = with({"--grad"});
  const auto a = data::to_doubles(once[3].second), b = data::to_doubles(twice[3].second);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(2 * a[i] == doctest::Approx(b[i]));
}

TEST_CASE("compute: a scalar input is a member of shape () or a --param, not both; optional inputs may be left out") {
  const TempDir dir;
  const std::string in = dir / "in.npz", out = dir / "out.npz";
  const double scale[] = {1.5};
  const std::vector<std::string> call = {"compute", "clip", "--in", in, "--grad", "--out", out};
  const auto with = [&](const data::NamedArrays& members, const std::vector<std::string>& more) {
    data::write_npz(in, members);
    std::vector<std::string> args = call;
    args.insert(args.end(), more.begin(), more.end());
    return run_program(args);
  };
  data::NamedArrays members = {{"a", normal_array({5, 3}, 1)}, {"b", normal_array({5, 3}, 2)}};
  CHECK(with(members, {}).status == 3);
  CHECK(with(members, {"--param", "logit_scale=1.5x"}).err.find("must be a finite number") != std::string::npos);
  CHECK(with(members, {"--param", "logit_scale=1.5"}).status == 0);
  const data::NamedArrays by_param = data::read_npz(out);
  members.emplace_back("logit_scale", data::make_array({}, scale));
  CHECK(with(members, {}).status == 0);
  check_equal(data::read_npz(out), by_param);
  CHECK(by_param.size() == 4);  // value, grad_a, grad_b, grad_logit_scale
  const Ended twice = with(members, {"--param", "logit_scale=1.5"});
  CHECK(twice.status == 2);
  CHECK(twice.err.find("logit_scale") != std::string::npos);
  members.back().second = data::make_array({1}, scale);
  CHECK(with(members, {}).err.find("(1,) must have the pattern ()") != std::string::npos);
  const Ended overflow = run_program({"compute", "exp", "--in", dir / "big.npz", "--out", out});
  CHECK(overflow.status == 3);
  const double big[] = {1000};
  data::write_npz(dir / "big.npz", {{"x", data::make_array({1}, big)}});
  const Ended infinite = run_program({"compute", "exp", "--in", dir / "big.npz", "--out", out});
  CHECK(infinite.status == 5);
  check_equal(data::read_npz(out), by_param);  // untouched
}

TEST_CASE("compute: --list has inputs, parameters with defaults, and outputs") {
  const Ended e = run_program({"compute", "--list", "--json"});
  CHECK(e.status == 0);
  const std::size_t at = e.out.find("{\"kind\":\"op\",\"name\":\"layer_norm\"");
  REQUIRE(at != std::string::npos);
  const auto row = nlohmann::json::parse(e.out.substr(at, e.out.find('\n', at) - at));
  CHECK(row["inputs"][0]["shape"] == "(..., d)");
  CHECK(row["params"][0]["default"] == 1e-5);
  CHECK(row["outputs"][0] == "value");
  CHECK(run_program({"compute", "--list"}).out.find("layer_norm: x (..., d), gamma (d)") != std::string::npos);
}

TEST_CASE("compute: whatever is refused leaves the output file as it was") {
  const TempDir dir;
  const auto file = [&](const std::string& name, const data::NamedArrays& members) {
    data::write_npz(dir / name, members);
    return dir / name;
  };
  const auto without = [](std::string_view name) {
    data::NamedArrays members = layer_norm_inputs();
    std::erase_if(members, [&](const auto& m) { return m.first == name; });
    return members;
  };
  const auto plus = [&](const std::string& name, data::Array array) {
    data::NamedArrays members = without(name);
    members.emplace_back(name, std::move(array));
    return members;
  };
  const double bad[] = {1, 2, NAN, 4};
  const std::string good = file("good.npz", layer_norm_inputs()), out = dir.file("out.npz", "precious");
  const std::string link = dir / "link.npz";
  REQUIRE(::symlink(good.c_str(), link.c_str()) == 0);
  const auto call = [&](const std::string& in, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"compute", "layer_norm", "--in", in, "--out", out});
    return more;
  };
  const std::size_t before = dir.entries();
  const std::vector<Refusal> table = {
      {{"compute"}, 2, "--list"},
      {{"compute", "layer_norm", "--out", out}, 2, "--in"},
      {{"compute", "layer_norm", "--in", good}, 2, "--out"},
      {{"compute", "layer_nrom", "--in", good, "--out", out}, 2, "did you mean 'layer_norm'?"},
      {{"compute", "layer_norm", "--in", good, "--out", good}, 2, "same file"},
      {{"compute", "layer_norm", "--in", good, "--out", link}, 2, "same file"},
      {{"compute", "layer_norm", "--in", good, "--out", dir / "no/such/folder.npz"}, 4, "folder.npz"},
      {{"compute", "layer_norm", "--in", dir / "none.npz", "--out", out}, 3, "no such file"},
      {call(good, {"--param", "esp=1"}), 2, "did you mean 'eps'?"},
      {call(good, {"--param", "eps"}), 2, "KEY=VALUE"},
      {call(good, {"--param", "eps=12abc"}), 2, "12abc"},
      {call(good, {"--param", "eps=nan"}), 2, "finite"},
      {call(good, {"--param", "eps=1", "--param", "eps=2"}), 2, "twice"},
      {call(good, {"--dtype", "float16"}), 2, "did you mean 'float64'?"},
      {call(file("a.npz", without("gamma"))), 3, "member 'gamma': is missing; expected gamma (d)"},
      {call(file("b.npz", plus("gama", normal_array({4}, 1)))), 3, "did you mean 'gamma'?"},
      {call(file("c.npz", plus("gamma", normal_array({4, 1}, 1)))), 3, "(4, 1) must have the pattern (d)"},
      {call(file("d.npz", plus("gamma", normal_array({5}, 1)))), 3, "gamma (5) must be (d)"},
      {call(file("e.npz", plus("x", normal_array({}, 1)))), 3, "member 'x'"},
      {call(file("f.npz", plus("x", normal_array({1, 1, 1, 1, 1, 1, 4}, 1)))), 3, "more than 6 axes"},
      {call(file("g.npz", plus("beta", data::make_array({4}, bad)))), 3, "beta"},
      {call(file("h.npz", plus("upstream", normal_array({3, 2, 4}, 1))), {"--grad"}), 3, "member 'upstream'"},
      {call(dir.file("i.npz", "not a ZIP archive")), 3, "i.npz"},
  };
  check_refusals(table);
  CHECK(io_test::slurp(out) == "precious");
  CHECK(dir.entries() == before + 9);  // the input files of the table alone
}

TEST_CASE("compute: a metric has values and no gradient, and where it is undefined nothing is written") {
  const TempDir dir;
  const std::string in = dir / "in.npz", constant = dir / "constant.npz", out = dir / "out.npz";
  data::write_npz(in, {{"a", normal_array({6, 3}, 1)}, {"b", normal_array({6, 2}, 2)}});
  const std::vector<double> one(12, 1);
  data::write_npz(constant, {{"a", data::make_array({6, 2}, one)}, {"b", normal_array({6, 2}, 2)}});
  check_refusals({{{"compute", "cka", "--in", in, "--grad", "--out", out}, 2, "no differentiable input"},
                  {{"compute", "cka", "--in", constant, "--out", out}, 3, "[cka] is undefined: a or b is constant"},
                  {{"compute", "cka", "--in", in, "--param", "threshold=-1", "--out", out}, 3, "must be positive"},
                  {{"gradcheck", "--op", "cka"}, 2, "cka"}});
  CHECK(run_program({"compute", "cka", "--in", in, "--param", "kernel=rbf", "--param", "threshold=0.5", "--out", out})
            .status == 0);
  CHECK(data::read_npz(out)[0].first == "value");
}

TEST_CASE("compute: gradient surgery on a Jacobian; mean and sum are told from the ops by their input") {
  const TempDir dir;
  const std::string in = dir / "in.npz", op = dir / "op.npz", nan = dir / "nan.npz", out = dir / "out.npz";
  const std::vector<double> hand{1, 0, -1, 1}, bad{1, 0, NAN, 1};
  data::write_npz(in, {{"jacobian", data::make_array({2, 2}, hand)}});
  data::write_npz(op, {{"x", data::make_array({4}, hand)}});
  data::write_npz(nan, {{"jacobian", data::make_array({2, 2}, bad)}});
  const auto computed = [&](const std::vector<std::string>& words, const std::string& file) {
    std::vector<std::string> all{"compute", words[0], "--in", file, "--out", out};
    all.insert(all.end(), words.begin() + 1, words.end());
    const Ended e = run_program(all);
    CAPTURE(e.err);
    REQUIRE(e.status == 0);
    const data::NamedArrays result = data::read_npz(out);
    return std::pair(result[0].first, data::to_doubles(result[0].second));
  };
  using Direction = std::pair<std::string, std::vector<double>>;
  CHECK(computed({"pcgrad", "--seed", "5"}, in) == Direction{"direction", {0.5, 1.5}});
  CHECK(computed({"pcgrad", "--param", "order=1,0", "--param", "reduce=mean"}, in) ==
        Direction{"direction", {0.25, 0.75}});
  CHECK(computed({"mean"}, in) == Direction{"direction", {0, 0.5}});
  CHECK(computed({"sum"}, in) == Direction{"direction", {0, 1}});
  CHECK(computed({"sum"}, op) == Direction{"value", {1}});
  check_refusals({{{"compute", "mgda", "--in", nan, "--out", out}, 3, "jacobian"},
                  {{"compute", "mgda", "--in", op, "--out", out}, 3, "mgda"},
                  {{"compute", "mgda", "--in", in, "--seed", "1", "--out", out}, 2, "draws nothing"},
                  {{"compute", "mgda", "--in", in, "--grad", "--out", out}, 2, "no differentiable input"},
                  {{"compute", "pcgrad", "--in", in, "--param", "order=0", "--out", out}, 2, "each of the 2 tasks"}});
  CHECK(run_program({"gradcheck", "--surgery", "uncertainty_weighting"}).status == 0);
  const std::string text = run_program({"explain", "mean"}).out;
  CHECK(text.find("jacobian (m, P)") != std::string::npos);
  CHECK(text.find("mean: x") != std::string::npos);
}

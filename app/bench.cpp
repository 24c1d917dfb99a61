// triptych bench: the time of a training step, on the shapes, losses and optimizer that its peers are timed with.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/allocations.h"
#include "app/bench_surgery.h"
#include "app/bench_trainer.h"
#include "app/commands.h"
#include "app/options.h"
#include "app/terminal.h"
#include "core/error.h"
#include "models/schemes.h"

namespace triptych::app {
namespace {

// Seconds since the kernel started this process (to its clock tick, 10 ms, rounded against us).
double process_age() {
  std::ifstream stat("/proc/self/stat"), uptime("/proc/uptime");
  std::string text;
  std::getline(stat, text);
  double up = 0;
  uptime >> up;
  unsigned long long start = 0;
  // The 22nd field; the 2nd, the program's name, may hold spaces and ends at the last ')'.
  if (std::sscanf(text.c_str() + text.rfind(')') + 1,
                  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &start) != 1)
    return 0;
  return up - static_cast<double>(start) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// Floating-point operations of the matrix products of one step, as executed: each product once forward and twice
// backward, but for the gradient of the data itself.
//   query-banks     logits and means over tokens, in the absorbed form: h d for each query that reads the token
//   typed-slots     the same in each of 3 iterations
//   shared-private  encoder (8 d^2 a token), the composed decoder (d^2)
//   modality-moe    the first layer of 2 experts a token (4 d^2 each); the second works on means
double step_flops(const std::string& scheme, const BenchConfig& c) {
  const auto d = static_cast<double>(c.width), heads = static_cast<double>(c.heads);
  const auto text = static_cast<double>(c.batch * c.text_tokens), image = static_cast<double>(c.batch * c.image_tokens);
  if (scheme == "query-banks") return 8 * heads * d * (text + image) * (8 + 4 + 4);
  if (scheme == "typed-slots") return 3 * 8 * heads * d * (text + image) * (6 + 4 + 4);
  if (scheme == "modality-moe") return 2 * 2 * (text + image) * 2 * 4 * d * d;
  return 2 * (text + image) * (3 * 9 - 4) * d * d;
}

// The machine's float32 peak as a product reaches it: the best of a few.
double peak_gflops(const Kernels& k) {
  constexpr std::int64_t n = 1536;
  const Tensor a = normal_tensor({n, n}, 1), b = normal_tensor({n, n}, 2), y({n, n}, DType::f32);
  double best = 0;
  for (int i = 0; i < 8; ++i) {
    const auto start = BenchClock::now();
    k.gemm({.m = n, .n = n, .k = n}, a.view(), b.view(), y.view());
    best = std::max(best, 2.0 * n * n * n / ms_since(start) / 1e6);
  }
  return best;
}

nlohmann::ordered_json bench(const std::string& scheme, const BenchConfig& c, int steps, int warmup) {
  BenchTrainer t(bench_model(scheme, c), c);
  t.step();
  const double first = process_age();
  for (int i = 1; i < warmup; ++i) t.step();
  std::vector<double> times(static_cast<std::size_t>(steps));
  const std::int64_t before = allocations();
  for (double& ms : times) {
    const auto start = BenchClock::now();
    t.step();
    ms = ms_since(start);
  }
  const std::int64_t allocated = allocations() - before;
  std::sort(times.begin(), times.end());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);  // before the peak is measured, which needs memory of its own
  const double median = times[times.size() / 2], gflops = step_flops(scheme, c) / median / 1e6;
  const double peak = peak_gflops(cpu_kernels());
  const auto round = [](double x, double parts) { return std::round(x * parts) / parts; };
  return {{"scheme", scheme},
          {"config", c.name},
          {"threads", threads()},
          {"params", t.model().parameters().count()},
          {"step_ms", {{"min", round(times[0], 1000)}, {"median", round(median, 1000)}}},
          {"rss_mb", usage.ru_maxrss / 1024},
          {"first_step_s", round(first, 1000)},
          {"allocations_per_step", static_cast<double>(allocated) / steps},
          {"gflops", round(gflops, 10)},
          {"peak_gflops", round(peak, 10)},
          {"peak_fraction", round(gflops / peak, 1000)}};
}

// Runs f in a process of its own, so that its peak memory and its start are its own.
template <class F>
void in_process(F&& f) {
  const pid_t child = fork();
  if (child < 0) throw Error(Exit::resources, "bench.process", "no process could be started");
  if (child == 0) {
    int status = 0;
    try {
      f();
    } catch (const std::exception& e) {
      say(std::string(e.what()) + "\n");
      const auto* known = dynamic_cast<const Error*>(&e);
      status = static_cast<int>(known ? known->exit : Exit::resources);
    }
    std::fflush(nullptr);
    _exit(status);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status)) throw Error(Exit::peer, "bench.process", "the process of a scheme was killed");
  if (WEXITSTATUS(status) != 0)
    throw Error(static_cast<Exit>(WEXITSTATUS(status)), "bench.process", "the process of a scheme failed");
}

struct Options {
  std::string scheme = "all", config = "base";
  std::int64_t threads = 0, steps = 15, warmup = 3;
  bool json = false, surgery = false;
};

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  std::vector<std::string> choices = {"all"};
  choices.insert(choices.end(), scheme_names().begin(), scheme_names().end());
  add_choice(options, "--scheme", o->scheme, choices, "the scheme to time, or all of them");
  add_choice(options, "--config", o->config, {"tiny", "small", "base", "large"}, "the shapes");
  add_threads(options, o->threads);
  add_integer(options, "--steps", o->steps, 1, 100000, "steps that are timed");
  add_integer(options, "--warmup", o->warmup, 1, 100000, "steps before them");
  options.add_flag("--surgery", o->surgery, "time gradient surgery beside the plain step");
  add_json(options, o->json);
  return [o] {
    use_threads(o->threads);
    const BenchConfig& config = bench_config(o->config);
    const auto time = [&](const std::string& scheme) {
      const nlohmann::ordered_json r =
          (o->surgery ? bench_surgery : bench)(scheme, config, static_cast<int>(o->steps), static_cast<int>(o->warmup));
      if (o->json) {
        print_line(r);
        return;
      }
      for (const auto& [key, value] : r.items()) print(pad(key, 22) + value.dump() + "\n");
    };
    if (o->scheme == "all")
      for (const std::string& scheme : scheme_names()) in_process([&] { time(scheme); });
    else
      time(o->scheme);
    return 0;
  };
}

}  // namespace

const Command bench_command{"bench", "times a training step on the shapes that peers are timed with",
                            "triptych bench --scheme shared-private --config base --threads 2 --json", setup};

}  // namespace triptych::app

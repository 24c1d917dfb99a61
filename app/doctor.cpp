#include <sys/utsname.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "app/commands.h"
#include "app/options.h"
#include "app/terminal.h"
#include "backends/backend.h"
#include "core/error.h"

namespace triptych::app {
namespace {

using Json = nlohmann::ordered_json;

// The value of the first line "key   : value" of a file in /proc; empty when there is none.
std::string proc_value(const char* path, const std::string& key) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || line.compare(0, key.size(), key) != 0) continue;
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return {};
}

struct Feature {
  const char* name;
  bool compiled, present;
};

std::vector<Feature> cpu_features() {
#ifdef __AVX2__
  constexpr bool avx2 = true;
#else
  constexpr bool avx2 = false;
#endif
#ifdef __FMA__
  constexpr bool fma = true;
#else
  constexpr bool fma = false;
#endif
#ifdef __AVX512F__
  constexpr bool avx512 = true;
#else
  constexpr bool avx512 = false;
#endif
  return {{"AVX2", avx2, __builtin_cpu_supports("avx2") != 0},
          {"FMA", fma, __builtin_cpu_supports("fma") != 0},
          {"AVX-512", avx512, __builtin_cpu_supports("avx512f") != 0}};
}

std::int64_t mebibytes(const std::string& key) {
  return std::atoll(proc_value("/proc/meminfo", key).c_str()) / 1024;  // the file counts in KiB
}

Json facts() {
  Json present = Json::array(), compiled = Json::array();
  bool fits = true, best = true;
  for (const Feature& f : cpu_features()) {
    if (f.present) present.push_back(f.name);
    if (f.compiled) compiled.push_back(f.name);
    fits = fits && (f.present || !f.compiled);
    best = best && (f.compiled || !f.present);
  }
  Json threads;
  try {
    use_threads(0);
    threads = triptych::threads();
  } catch (const Error&) {
  }
  const char* variable = std::getenv("OMP_NUM_THREADS");
  utsname system{};
  ::uname(&system);
  return {{"version", TRIPTYCH_VERSION},
          {"compiler", TRIPTYCH_COMPILER},
          {"build", TRIPTYCH_BUILD},
          {"system", std::string(system.sysname) + " " + system.release + " " + system.machine},
          {"cpu",
           {{"model", proc_value("/proc/cpuinfo", "model name")},
            {"processors", std::thread::hardware_concurrency()},
            {"features", present}}},
          {"built_for", compiled},
          {"built_for_this_cpu", fits && best},
          {"backends",
           {{"reference", "naive loops"},
            {"cpu", cpu_library()},
            {"cuda", cuda_kernels() ? Json(std::string(cuda_kernels()->name)) : Json()}}},
          {"threads", threads},
          {"omp_num_threads", variable ? Json(variable) : Json()},
          {"memory_mib", {{"total", mebibytes("MemTotal")}, {"available", mebibytes("MemAvailable")}}}};
}

std::string words(const Json& list) {
  std::string out;
  for (const auto& word : list) out += (out.empty() ? "" : ", ") + word.get<std::string>();
  return out.empty() ? "none of AVX2, FMA, AVX-512" : out;
}

std::string text(const Json& f) {
  const auto line = [](const char* label, const std::string& value) { return pad(label, 12) + value + "\n"; };
  const Json &cpu = f["cpu"], &backends = f["backends"], &memory = f["memory_mib"];
  const std::string variable =
      f["omp_num_threads"].is_null()
          ? ""
          : " (OMP_NUM_THREADS=" + escape_text(f["omp_num_threads"].get<std::string>(), 64) + ")";
  return line("version", f["version"].get<std::string>()) + line("compiler", f["compiler"].get<std::string>()) +
         line("build", f["build"].get<std::string>()) + line("system", f["system"].get<std::string>()) +
         line("cpu", cpu["model"].get<std::string>() + ", " + cpu["processors"].dump() + " processors") +
         line("features", words(cpu["features"])) +
         line("built for", words(f["built_for"]) + (f["built_for_this_cpu"].get<bool>()
                                                        ? " (this CPU)"
                                                        : " (not for this very CPU: build here for full speed)")) +
         line("backends", "reference: naive loops") + line("", "cpu: " + backends["cpu"].get<std::string>()) +
         line("", "cuda: " + (backends["cuda"].is_null() ? "none" : backends["cuda"].get<std::string>())) +
         line("threads",
              (f["threads"].is_null() ? "OMP_NUM_THREADS is refused: it must be a whole number from 1 to 1024"
                                      : f["threads"].dump()) +
                  variable) +
         line("memory", memory["total"].dump() + " MiB, " + memory["available"].dump() + " MiB of it available");
}

std::function<int()> setup(CLI::App& options) {
  const auto json = std::make_shared<bool>(false);
  add_json(options, *json);
  return [json] {
    const Json f = facts();
    print(*json ? json_text(f) + "\n" : text(f));
    return 0;
  };
}

}  // namespace

const Command doctor_command{"doctor",
                             "shows build, CPU, backends, threads and memory: what to paste into a bug report",
                             "triptych doctor\n"
                             "triptych doctor --json",
                             setup};

}  // namespace triptych::app

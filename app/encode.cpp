#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/data_options.h"
#include "app/encode_file.h"
#include "app/options.h"
#include "app/run_open.h"
#include "app/terminal.h"
#include "core/error.h"
#include "data/safetensors.h"

namespace triptych::app {
namespace {

namespace fs = std::filesystem;

struct Options {
  DataOptions data;
  std::string run, out;
  std::int64_t threads = 0;
  bool json = false;
};

// The files that the codes are computed from, and those of the run.
std::vector<fs::path> inputs(const std::string& folder, const DataConfig& data) {
  std::vector<fs::path> all;
  std::vector<std::string> places = {data.labels};
  for (const FeatureFile& f : data.files) places.insert(places.end(), {f.file, f.mask});
  for (const std::string& place : places) {
    all.emplace_back(place);
    all.emplace_back(place.substr(0, place.rfind(':')));  // FILE of FILE:MEMBER
  }
  all.emplace_back(data.test);
  std::vector<std::string> folders = {folder, folder + "/checkpoints"};
  if (data.source.starts_with("split:")) all.emplace_back(data.source.substr(6));
  if (data.source.starts_with("emoji:")) folders.push_back(data.source.substr(6));
  std::error_code none;
  for (const std::string& f : folders)
    for (const auto& entry : fs::directory_iterator(f, none))
      if (entry.path().extension() != ".safetensors" || f != folder) all.push_back(entry.path());
  return all;
}

void require_suffix(const std::string& out) {
  if (!out.ends_with(".safetensors"))
    throw Error(Exit::usage, "encode.out", "--out: '" + escape_text(out, 4096) + "' must end in .safetensors", out);
}

void refuse_input_as_output(const Options& o, const DataConfig& data) {
  for (const fs::path& input : inputs(o.run, data)) {
    std::error_code none;
    if (fs::equivalent(input, o.out, none))
      throw Error(Exit::usage, "encode.same-file",
                  "--out: '" + escape_text(o.out, 4096) + "' is a file of the run or of its data", o.out,
                  "write to another file");
  }
}

int run(const Options& o) {
  use_threads(o.threads);
  OpenRun run = open_run(o.run, {o.data.source, feature_files(o.data), "", o.data.labels, false});
  for (const std::string& n : run.notices) say("warning: " + n + "\n");
  refuse_input_as_output(o, run.config.data);
  require_suffix(o.out);
  data::Safetensors file = encode_file(*run.model, *run.data);
  file.metadata["run"] = fs::absolute(o.run).lexically_normal().string();
  file.metadata["step"] = std::to_string(run.step);
  data::write_safetensors(o.out, file);

  nlohmann::ordered_json tensors = nlohmann::ordered_json::array();
  std::string text;
  for (const auto& [name, array] : file.tensors) {
    tensors.push_back({{"name", name}, {"dtype", data::dtype_name(array.dtype)}, {"shape", array.shape}});
    text += pad(escape_text(name), 24) + "  " + data::shape_text(array.shape) + "\n";
  }
  if (o.json)
    print_line({{"file", o.out}, {"step", run.step}, {"tensors", tensors}});
  else
    print(text);
  say("wrote " + escape_text(o.out, 4096) + "\n");
  return 0;
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  add_text(options, "RUN", o->run, "", "the folder of a run")->required();
  add_text(options, "-o,--out", o->out, "Z.safetensors", "receives the codes of every item")->required();
  add_data(options, o->data, "emoji or emoji:FOLDER: other data of the same kind (default: the run's own)");
  add_json(options, o->json);
  add_threads(options, o->threads);
  return [o] { return run(*o); };
}

}  // namespace

const Command encode_command{"encode", "writes the private, shared and joint codes of every item",
                             "triptych encode runs/demo --out codes.safetensors\n"
                             "triptych encode runs/demo --data emoji:my_pictures --out codes.safetensors\n"
                             "triptych encode runs/mine --text new.npy --image pictures.npy --out codes.safetensors",
                             setup};

}  // namespace triptych::app

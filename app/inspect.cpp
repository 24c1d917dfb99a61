#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/options.h"
#include "app/run_checkpoint.h"
#include "app/terminal.h"
#include "core/error.h"
#include "data/npy.h"
#include "data/npz.h"
#include "data/safetensors.h"

namespace triptych::app {
namespace {

struct Options {
  std::string file;
  data::NpyOptions npy;
  bool json = false;
};

struct Content {
  std::string format;
  data::NamedArrays arrays;
};

bool has_ending(const std::string& path, std::string_view ending) {
  return path.size() > ending.size() && path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
}

// The name decides, so that a damaged file is judged as what it claims to be; for other names the first bytes do.
std::string format_of(const std::string& path) {
  for (const std::string format : {"npy", "npz", "safetensors"})
    if (has_ending(path, "." + format)) return format;
  std::string start(6, '\0');
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored)) std::ifstream(path, std::ios::binary).read(start.data(), 6);
  return start == "\x93NUMPY" ? "npy" : start.starts_with("PK") ? "npz" : "safetensors";
}

Content read(const Options& o) {
  const std::string format = format_of(o.file);
  if (format == "npy") return {format, {{"", data::read_npy(o.file, o.npy)}}};
  if (format == "npz") return {format, data::read_npz(o.file, o.npy)};
  data::Safetensors file = data::read_safetensors(o.file);
  if (file.metadata["format"] == checkpoint_format) read_checkpoint(o.file);  // checks its hashes
  return {format, std::move(file.tensors)};
}

void print_json(const Options& o, const Content& content) {
  nlohmann::ordered_json arrays = nlohmann::ordered_json::array();
  for (const auto& [name, array] : content.arrays) {
    const data::NonFinite bad = data::find_non_finite(array);
    arrays.push_back({{"name", name},
                      {"dtype", data::dtype_name(array.dtype)},
                      {"shape", array.shape},
                      {"nan", bad.nan},
                      {"inf", bad.inf}});
  }
  print_line({{"file", o.file}, {"format", content.format}, {"arrays", arrays}});
}

void print_table(const Options& o, const Content& content) {
  std::size_t name_width = 4, shape_width = 5;
  for (const auto& [name, array] : content.arrays) {
    name_width = std::max(name_width, escape_text(name).size());
    shape_width = std::max(shape_width, data::shape_text(array.shape).size());
  }
  const std::size_t n = content.arrays.size();
  std::string out = escape_text(o.file, 4096) + ": " + content.format + ", " + std::to_string(n) +
                    (n == 1 ? " array\n" : " arrays\n");
  const auto row = [&](std::string_view name, std::string_view dtype, std::string_view shape, std::string_view nan,
                       std::string_view inf) {
    out += pad(name, name_width) + "  " + pad(dtype, 8) + "  " + pad(shape, shape_width) + "  " + pad_left(nan, 8) +
           "  " + pad_left(inf, 8) + "\n";
  };
  if (n > 0) row("name", "dtype", "shape", "NaN", "Inf");
  for (const auto& [name, array] : content.arrays) {
    const data::NonFinite bad = data::find_non_finite(array);
    row(name.empty() ? "-" : escape_text(name), data::dtype_name(array.dtype), data::shape_text(array.shape),
        std::to_string(bad.nan), std::to_string(bad.inf));
  }
  print(out);
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  add_text(options, "FILE", o->file, "", "an .npy, .npz or .safetensors file")->required();
  add_json(options, o->json);
  options.add_flag("--bfloat16", o->npy.v2_is_bfloat16, "read NumPy's untyped two-byte values ('<V2') as bfloat16");
  options.add_flag("--allow-trailing", o->npy.allow_trailing, "ignore bytes after the data of an .npy array");
  return [o] {
    const Content content = read(*o);
    o->json ? print_json(*o, content) : print_table(*o, content);
    return 0;
  };
}

}  // namespace

const Command inspect_command{"inspect", "shows what is in a data file, and refuses a damaged one with the reason",
                              "triptych inspect features.npz\n"
                              "triptych inspect model.safetensors --json",
                              setup};

}  // namespace triptych::app

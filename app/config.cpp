#include "app/config.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "app/config_fields.h"
#include "app/config_objective.h"
#include "app/config_toml.h"
#include "core/error.h"
#include "data/bytes.h"
#include "data/read_file.h"
#include "models/objective/presets.h"

namespace triptych::app {
namespace {

[[noreturn]] void contradiction(const std::string& problem, const std::string& hint = {}) {
  throw Error(Exit::usage, "config.contradiction", problem, {}, hint);
}

std::string absolute(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

void make_paths_absolute(DataConfig& data) {
  for (const std::string kind : {"emoji:", "split:"})
    if (data.source.starts_with(kind) && data.source != kind)
      data.source = kind + absolute(data.source.substr(kind.size()));
  for (FeatureFile& f : data.files) {
    f.file = absolute(f.file);
    f.mask = absolute(f.mask);
    for (const std::string* text : {&f.name, &f.file, &f.mask})
      if (!is_utf8(*text))
        throw Error(Exit::usage, "config.value",
                    "'" + escape_text(*text, 4096) + "' must be UTF-8, to be written into the run's config.toml");
  }
  data.labels = absolute(data.labels);
  data.test = absolute(data.test);
}

void check_data(const DataConfig& data) {
  check_source(data.source);
  if (data.source != "files" && !data.files.empty())
    contradiction("data.source = " + toml_string(data.source) + " and data.modality (" +
                      std::to_string(data.files.size()) + " feature files) exclude each other",
                  "give one of --data and the feature files (--text, --image, --modality)");
  if (data.source == "files" && data.files.size() < 2)
    contradiction(
        "data.source = \"files\" needs at least 2 entries of data.modality, got " + std::to_string(data.files.size()),
        "give one feature file a modality: --text T.npy --image I.npy, or --modality NAME=FILE");
  if (!data.labels.empty() && data.source != "files")
    contradiction("data.labels = " + toml_string(data.labels) +
                  " goes with feature files, not with data.source = " + toml_string(data.source));
  if (!data.test.empty() && !data.source.starts_with("split:"))
    contradiction("data.test = " + toml_string(data.test) + " goes with data.source = \"split:FILE\", not with " +
                  toml_string(data.source));
  std::set<std::string> names;
  for (const FeatureFile& f : data.files)
    if (f.name.find_first_of(".+=/ \t\n") != std::string::npos)
      throw Error(Exit::usage, "config.value",
                  "data.modality: the name '" + escape_text(f.name, 64) + "' must hold none of . + = / and blanks", {},
                  "codes are called private.NAME and shared.NAME");
  for (const FeatureFile& f : data.files)
    if (!names.insert(f.name).second)
      contradiction("data.modality: '" + escape_text(f.name, 64) + "' is given twice", "give each modality one name");
}

void check(const RunConfig& c) {
  check_data(c.data);
  if (c.train.batch == 1)
    throw Error(Exit::usage, "config.value",
                "train.batch: '1' must be at least 2: losses compare the items of a batch");
  if (c.model.bridge.start > c.model.bridge.end)
    contradiction("model.bridge_start = " + value_text(*find_field("model.bridge_start"), c) +
                  " must not be above model.bridge_end = " + value_text(*find_field("model.bridge_end"), c));
  for (const TermConfig& t : c.model.objective)
    if (t.weight_end != t.weight && (t.schedule == WeightSchedule::constant || t.schedule == WeightSchedule::gate))
      contradiction("objective '" + t.name + "': weight_end and schedule = " + toml_string(name_of(t.schedule)) +
                        " exclude each other",
                    "schedule = \"linear\" or \"cosine\" go from weight to weight_end");
  triptych::check(c.train.optimizer);
  if (c.train.warmup > c.train.steps)
    contradiction("train.warmup = " + std::to_string(c.train.warmup) +
                  " must not be above train.steps = " + std::to_string(c.train.steps));
}

// The preset's objective, and the task where there are labels.
std::vector<TermConfig> default_objective(const RunConfig& c) {
  const bool own = is_emoji(c.data.source) && c.model.preset == "scheme";
  std::vector<TermConfig> terms =
      own ? emoji_objective(c.model)
          : variant_objective(c.model.preset, c.model, std::max<std::size_t>(2, c.data.files.size()));
  if (!c.data.labels.empty()) terms.push_back({"task", "cross_entropy", {"task"}});
  return terms;
}

// The emoji settings were chosen for shared-private. The codes of other schemes stay as wide as the model, but the
// shared one of query banks, which would tell the style; and slots compete for the tokens of a picture, so it needs
// more than one (docs/training.md).
void fit_to_emoji(RunConfig& config, const std::set<std::string>& given) {
  ModelConfig& m = config.model;
  const std::string& last = m.scheme.back();
  if (last == "shared-private") return;
  if (!given.contains("model.private_width")) m.private_width = 0;
  if (!given.contains("model.shared_width")) m.shared_width = last == "query-banks" ? 80 : 0;
  if (last != "typed-slots") return;
  if (!given.contains("model.image_tokens")) m.image_tokens = "map";
  if (!given.contains("typed_slots.private_slots")) m.typed_slots.private_slots = 2;
  if (!given.contains("typed_slots.shared_slots")) m.typed_slots.shared_slots = 2;
}

RunConfig build(const ConfigSources& from, std::string_view toml) {
  std::string source = !from.files.empty() ? "files" : from.source;
  if (!from.files.empty() && !from.source.empty()) source = from.source;  // check_data() explains
  for (const auto& [key, value] : from.values)
    if (key == "data.source") source = value;
  if (source.empty() && !from.file.empty()) source = source_of(toml, from.file);
  if (source.empty()) source = "emoji";

  RunConfig config = is_emoji(source) ? emoji_defaults() : feature_defaults();
  std::string variant = from.file.empty() ? "" : preset_of(toml, from.file);
  for (const auto& [key, value] : from.values)
    if (key == "model.preset") variant = value;
  set_variant(variant, config.model);
  std::set<std::string> given;
  if (!from.file.empty()) apply_toml(toml, from.file, config, given);
  config.data.source = source;
  if (!from.files.empty()) config.data.files = from.files;
  if (from.files.empty() && !from.source.empty()) config.data.files.clear();
  const auto in_objective = [](const std::string& key) { return key.starts_with("objective."); };
  for (const auto& [key, value] : from.values) {
    if (in_objective(key)) continue;
    const Field* field = find_field(key);
    if (!field) throw Error(Exit::usage, "config.key", "unknown key '" + escape_text(key, 64) + "'", {}, key_hint(key));
    set_value(*field, value, config);
    given.insert(key);
  }
  if (is_emoji(source)) fit_to_emoji(config, given);
  if (!given.contains("objective")) config.model.objective = default_objective(config);
  for (const auto& [key, value] : from.values)  // last: they change the terms that the scheme and the file give
    if (in_objective(key)) set_objective_value(config.model.objective, key, value);
  if (!given.contains("train.warmup")) config.train.warmup = std::min(config.train.warmup, config.train.steps / 10);
  make_paths_absolute(config.data);
  check(config);
  return config;
}

}  // namespace

bool is_emoji(const std::string& source) { return source == "emoji" || source.starts_with("emoji:"); }

void check_source(const std::string& source) {
  const std::vector<std::string> known{"emoji", "files", "synthetic:identifiability", "synthetic:disentangled"};
  if (std::find(known.begin(), known.end(), source) != known.end()) return;
  for (const auto& [kind, rest] :
       {std::pair("emoji:", "FOLDER with a folder"), std::pair("split:", "FILE with a file")}) {
    if (source == kind)
      throw Error(Exit::usage, "config.value", "data.source: '" + source + "' must be " + kind + rest);
    if (source.starts_with(kind)) return;
  }
  throw Error(
      Exit::usage, "config.value",
      "data.source: '" + escape_text(source, 256) +
          "' must be emoji, emoji:FOLDER, files, synthetic:identifiability, synthetic:disentangled or split:FILE",
      {}, suggest(source, known));
}

RunConfig emoji_defaults() {
  RunConfig c;
  c.data.views = 2;
  c.data.buckets = 32768;
  c.model.width = 128;
  c.model.private_width = 192;
  c.model.shared_width = 48;
  c.model.dropout = 0.2;
  c.model.logit_scale = 2.3025850929940457;  // ln 10
  c.model.bridge = {0, 0};                   // private codes read the surface, so nothing has to wait for them
  c.train.steps = 1400;
  c.train.batch = 160;
  c.train.lr = 1.5e-3;
  c.train.warmup = 140;
  c.train.optimizer.weight_decay = 0.1;
  c.model.objective = emoji_objective(c.model);
  return c;
}

RunConfig feature_defaults() {
  RunConfig c;
  c.data.source = "files";
  c.model.objective = preset(c.model.scheme.back());
  c.train.warmup = 100;
  return c;
}

RunConfig read_config(const ConfigSources& from) {
  std::string toml;
  if (!from.file.empty()) {
    try {
      toml = data::as_text(data::read_file(from.file, largest_config));
    } catch (const Error& e) {
      throw Error(Exit::usage, "config.file", e.what(), e.file, "--config takes a TOML file");
    }
  }
  return build(from, toml);
}

RunConfig parse_config(std::string_view toml, const std::string& file) {
  ConfigSources from;
  from.file = file;
  return build(from, toml);
}

std::string to_toml(const RunConfig& config) {
  std::string out;
  std::string_view section;
  for (const Field& f : config_fields()) {
    if (f.section() != section) {
      section = f.section();
      out += (out.empty() ? "[" : "\n[") + std::string(section) + "]\n";
    }
    out += std::string(f.name()) + " = " + value_text(f, config) + "  # " + std::string(f.meaning) + "\n";
  }
  for (const TermConfig& t : config.model.objective) out += to_toml(t);
  for (const FeatureFile& m : config.data.files) {
    out += "\n[[data.modality]]\nname = " + toml_string(m.name) + "\nfile = " + toml_string(m.file) + "\n";
    if (!m.mask.empty()) out += "mask = " + toml_string(m.mask) + "\n";
  }
  return out;
}

std::string stack_text(const std::vector<std::string>& schemes) {
  std::string all;
  for (const std::string& s : schemes) all += (all.empty() ? "" : " + ") + s;
  return all;
}

std::vector<std::string> differences(const RunConfig& from, const RunConfig& to) {
  std::vector<std::string> found;
  for (const Field& f : config_fields()) {
    if (f.key == "train.threads" || f.key == "data.source" || f.key == "data.labels" || f.key == "data.test") continue;
    const std::string a = value_text(f, from), b = value_text(f, to);
    if (a != b) found.push_back(std::string(f.key) + ": " + a + " -> " + b);
  }
  const auto objective = [](const RunConfig& c) {
    std::string all;
    for (const TermConfig& t : c.model.objective) all += to_toml(t);
    return all;
  };
  if (objective(from) != objective(to)) found.push_back("objective: another list of terms or weights");
  const auto names = [](const RunConfig& c) {
    std::string all;
    for (const FeatureFile& f : c.data.files) all += (all.empty() ? "" : ", ") + f.name;
    return "[" + all + "]";
  };
  if (names(from) != names(to)) found.push_back("data.modality: " + names(from) + " -> " + names(to));
  return found;
}

}  // namespace triptych::app

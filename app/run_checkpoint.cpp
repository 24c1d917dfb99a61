#include "app/run_checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "app/run_hash.h"
#include "core/error.h"
#include "data/safetensors.h"

namespace triptych::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* format_version = "2";
constexpr std::string_view model_prefix = "model.", optimizer_prefix = "optimizer.", surgery_prefix = "surgery.";
constexpr std::size_t keep = 2;

data::Array to_array(const Tensor& t) {
  data::Array a;
  a.dtype = t.dtype() == DType::f32 ? data::Dtype::f32 : t.dtype() == DType::f64 ? data::Dtype::f64 : data::Dtype::i32;
  a.shape.assign(t.shape().sizes().begin(), t.shape().sizes().end());
  a.bytes.resize(static_cast<std::size_t>(t.bytes()));
  if (!a.bytes.empty()) std::memcpy(a.bytes.data(), t.data<std::byte>(), a.bytes.size());
  return a;
}

Tensor to_tensor(const data::Array& a, const std::string& file, const std::string& name) {
  const bool known = a.dtype == data::Dtype::f32 || a.dtype == data::Dtype::f64 || a.dtype == data::Dtype::i32;
  if (!known || a.shape.size() > Shape::max_rank)
    reject_input(
        "checkpoint.format", file, escape_text(name),
        "a tensor of " + std::string(dtype_name(a.dtype)) + " " + data::shape_text(a.shape) + ", which no run writes");
  const DType dtype = a.dtype == data::Dtype::f32 ? DType::f32 : a.dtype == data::Dtype::f64 ? DType::f64 : DType::i32;
  Tensor t(Shape(std::span<const std::int64_t>(a.shape)), dtype);
  if (!a.bytes.empty()) std::memcpy(t.data<std::byte>(), a.bytes.data(), a.bytes.size());
  return t;
}

std::string hash_of(const std::string& name, const data::Array& a) {
  Hash h;
  h.add(name).add(data::dtype_name(a.dtype)).add(a.shape.size());
  for (const std::int64_t s : a.shape) h.add(static_cast<std::uint64_t>(s));
  return h.add(std::span<const std::byte>(a.bytes)).text();
}

std::string hash_of(const std::map<std::string, std::string>& metadata) {
  Hash h;
  for (const auto& [key, value] : metadata)
    if (key != "hash") h.add(key).add(value);
  return h.text();
}

// What a resume at this checkpoint takes from metrics.jsonl must outlive a power loss as the checkpoint does.
void sync_metrics(const RunFolder& run, const data::FileCalls& calls) {
  const std::string path = run / "metrics.jsonl";
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return;
  const int error = file < 0 || calls.fsync(file) != 0 ? errno : 0;
  if (file >= 0) ::close(file);
  if (error != 0)
    throw Error(Exit::output, "metrics.sync", escape_text(path, 4096) + ": cannot be synced: " + std::strerror(error),
                path, "free some space or check the disk, then go on with --resume");
}

bool reads_well(const std::string& path) {
  try {
    read_checkpoint(path);
    return true;
  } catch (const Error& e) {
    if (e.exit != Exit::input) throw;
    return false;
  }
}

}  // namespace

void save_checkpoint(const RunFolder& run, const Checkpoint& checkpoint, const data::FileCalls& calls) {
  data::Safetensors file;
  for (const auto& [name, t] : checkpoint.parameters)
    file.tensors.emplace_back(std::string(model_prefix) + name, to_array(t));
  for (const auto& [name, t] : checkpoint.optimizer)
    file.tensors.emplace_back(std::string(optimizer_prefix) + name, to_array(t));
  for (const auto& [name, t] : checkpoint.surgery)
    file.tensors.emplace_back(std::string(surgery_prefix) + name, to_array(t));
  std::sort(file.tensors.begin(), file.tensors.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string hashes;
  for (const auto& [name, a] : file.tensors) hashes += hash_of(name, a);
  file.metadata = {{"format", checkpoint_format},
                   {"version", format_version},
                   {"program", TRIPTYCH_VERSION},
                   {"step", std::to_string(checkpoint.step)},
                   {"config", checkpoint.config},
                   {"data", checkpoint.data},
                   {"hashes", hashes}};
  file.metadata["hash"] = hash_of(file.metadata);
  sync_metrics(run, calls);
  const std::string path = run / checkpoint_name(checkpoint.step);
  data::write_file_atomically(path, data::serialize_safetensors(file), calls);

  std::size_t good = 0;
  std::error_code ignored;
  for (const std::string& each : checkpoint_paths(run.path()))
    if (good == keep)
      fs::remove(each, ignored);
    else
      good += each == path || reads_well(each);
}

Checkpoint read_checkpoint(const std::string& path) {
  data::Safetensors file = data::read_safetensors(path);
  auto& meta = file.metadata;
  if (meta["format"] != checkpoint_format)
    reject_input("checkpoint.format", path, "metadata", "no checkpoint of this program",
                 "give the folder of a run, or one of its checkpoints");
  if (hash_of(meta) != meta["hash"]) reject_input("checkpoint.damaged", path, "metadata", "its hash does not match");
  if (meta["version"] != format_version)
    reject_input("checkpoint.format", path, "metadata",
                 "format version " + escape_text(meta["version"]) + ", this program reads version " + format_version,
                 "written by triptych " + escape_text(meta["program"]) + ": use that version or a newer one");
  std::sort(file.tensors.begin(), file.tensors.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const std::string& hashes = meta["hashes"];
  if (hashes.size() != 16 * file.tensors.size())
    reject_input("checkpoint.damaged", path, "metadata", "hashes for another number of tensors");

  Checkpoint c;
  const std::string& step = meta["step"];
  std::from_chars(step.data(), step.data() + step.size(), c.step);
  c.config = meta["config"];
  c.data = meta["data"];
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    const auto& [name, a] = file.tensors[i];
    if (hashes.compare(16 * i, 16, hash_of(name, a)) != 0)
      reject_input("checkpoint.damaged", path, "tensor '" + escape_text(name) + "'", "its hash does not match");
    Tensor t = to_tensor(a, path, name);
    if (name.starts_with(model_prefix))
      c.parameters.emplace_back(name.substr(model_prefix.size()), std::move(t));
    else if (name.starts_with(optimizer_prefix))
      c.optimizer.emplace_back(name.substr(optimizer_prefix.size()), std::move(t));
    else if (name.starts_with(surgery_prefix))
      c.surgery.emplace_back(name.substr(surgery_prefix.size()), std::move(t));
  }
  return c;
}

std::optional<FoundCheckpoint> newest_checkpoint(const std::string& run) {
  FoundCheckpoint found;
  for (const std::string& path : checkpoint_paths(run)) {
    try {
      found.checkpoint = read_checkpoint(path);
      found.path = path;
      return found;
    } catch (const Error& e) {
      if (e.exit != Exit::input) throw;
      found.skipped.emplace_back(e.what());
    }
  }
  if (found.skipped.empty()) return std::nullopt;
  std::string reasons;
  for (const std::string& s : found.skipped) reasons += (reasons.empty() ? "" : "; ") + s;
  throw Error(Exit::input, "checkpoint.none", escape_text(run, 4096) + ": no checkpoint can be read: " + reasons, run,
              "train again: --force replaces the run");
}

void restore_parameters(const Checkpoint& checkpoint, Parameters& to) {
  const auto fail = [](const std::string& problem) {
    throw Error(Exit::input, "checkpoint.parameters", "checkpoint: " + problem, {},
                "the checkpoint belongs to another model; compare its config.toml");
  };
  std::vector<const Tensor*> values;
  for (const Parameter& p : to) {
    const auto at = std::find_if(checkpoint.parameters.begin(), checkpoint.parameters.end(),
                                 [&](const auto& entry) { return entry.first == p.name; });
    if (at == checkpoint.parameters.end()) fail("parameter '" + p.name + "' is missing");
    if (at->second.shape() != p.value.shape() || at->second.dtype() != p.value.dtype())
      fail("parameter '" + p.name + "' is " + at->second.shape().text() + ", expected " + p.value.shape().text());
    values.push_back(&at->second);
  }
  if (checkpoint.parameters.size() != to.size())
    fail("it holds " + std::to_string(checkpoint.parameters.size()) + " parameters, the model has " +
         std::to_string(to.size()));
  for (std::size_t i = 0; i < to.size(); ++i)
    std::memcpy(to[i].value.data<std::byte>(), values[i]->data<std::byte>(),
                static_cast<std::size_t>(to[i].value.bytes()));
}

}  // namespace triptych::app

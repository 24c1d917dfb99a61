#include "models/model.h"

#include <algorithm>

#include "core/error.h"
#include "models/scheme_model.h"

namespace triptych {
namespace {

[[noreturn]] void refuse(const std::string& message, std::string hint = {}) {
  throw Error(Exit::usage, "model.config", message, {}, std::move(hint));
}

void check(const ModelConfig& c) {
  if (c.scheme.empty()) refuse("model.scheme names no scheme");
  for (std::size_t i = 1; i < c.scheme.size(); ++i)
    if (c.scheme[i] == c.scheme[i - 1]) refuse("model.scheme stacks '" + escape_text(c.scheme[i]) + "' on itself");
  if (c.modalities.empty() || c.modalities.size() > 8)
    refuse("a model takes 1 to 8 modalities, got " + std::to_string(c.modalities.size()));
  if (c.width < 1) refuse("model.width = " + std::to_string(c.width) + " must be at least 1");
  const std::int64_t least = c.scheme.back() == "shared-private" ? 1 : 0;
  for (const auto& [key, value] :
       {std::pair{"model.private_width", c.private_width}, std::pair{"model.shared_width", c.shared_width}})
    if (value < least)
      refuse(std::string(key) + " = " + std::to_string(value) + " must be at least " + std::to_string(least));
  for (const ModalitySpec& m : c.modalities) {
    if (m.kind == ModalityKind::image && c.width % 4 != 0)
      refuse("model.width = " + std::to_string(c.width) + " must be a multiple of 4 for the image modality '" + m.name +
             "'");
    if (m.kind == ModalityKind::image && m.channels != 3)
      refuse("modality '" + m.name + "': pictures of " + std::to_string(m.channels) + " channels must have 3");
    if (m.kind == ModalityKind::image && (m.height % 4 != 0 || m.breadth % 4 != 0))
      refuse("modality '" + m.name + "': pictures of " + std::to_string(m.height) + " x " + std::to_string(m.breadth) +
             " must have sides that are multiples of 4");
  }
  if (!(c.dropout >= 0 && c.dropout < 1)) refuse("model.dropout = " + std::to_string(c.dropout) + " must be in [0, 1)");
  for (std::size_t i = 0; i + 1 < c.scheme.size(); ++i)
    if (c.scheme[i] == "typed-slots" && c.typed_slots.adaptive)
      refuse(
          "typed_slots.adaptive needs typed-slots to be the last of model.scheme: its gates act on the slots' mean, "
          "and '" +
          escape_text(c.scheme[i + 1]) + "' reads the slots one by one");
  if (c.ffn != "dense" && c.ffn != "modality-moe")
    refuse("model.ffn = '" + escape_text(c.ffn) + "' must be dense or modality-moe");
  if (c.ffn == "modality-moe" && std::find(c.scheme.begin(), c.scheme.end(), "query-banks") == c.scheme.end())
    refuse("model.ffn = modality-moe needs the scheme query-banks in model.scheme, whose FFN it replaces");
  if (c.encoder != "mlp" && c.encoder != "deep" && c.encoder != "linear" && c.encoder != "none")
    refuse("model.encoder = '" + escape_text(c.encoder) + "' must be mlp, deep, linear or none");
  if (c.encoder_layers < 1)
    refuse("model.encoder_layers = " + std::to_string(c.encoder_layers) + " must be at least 1");
  if (c.code != "linear" && c.code != "sigmoid" && c.code != "gaussian" && c.code != "gaussian-private")
    refuse("model.code = '" + escape_text(c.code) + "' must be linear, sigmoid, gaussian or gaussian-private");
  if (!(c.generator.hide >= 0 && c.generator.hide < 1))
    refuse("generator.hide = " + std::to_string(c.generator.hide) + " must be in [0, 1)");
  if (c.generator.width < 1) refuse("generator.width = " + std::to_string(c.generator.width) + " must be at least 1");
  if (c.generator.layers < 1)
    refuse("generator.layers = " + std::to_string(c.generator.layers) + " must be at least 1");
  if (c.generator.samples < 0)
    refuse("generator.samples = " + std::to_string(c.generator.samples) + " must be at least 0");
  if (c.code != "linear" && c.code != "gaussian-private" && c.scheme.back() != "shared-private")
    refuse("model.code = '" + c.code + "' needs shared-private to be the last of model.scheme, got '" +
           escape_text(c.scheme.back()) + "'");
}

}  // namespace

std::unique_ptr<Model> make_model(const ModelConfig& config, DType dtype, std::uint64_t seed) {
  check(config);
  return std::make_unique<SchemeModel>(config, dtype, seed);
}

}  // namespace triptych

#include "models/model.h"

#include "core/error.h"
#include "models/shared_private/model.h"

namespace triptych {
namespace {

[[noreturn]] void refuse(const std::string& message, std::string hint = {}) {
  throw Error(Exit::usage, "model.config", message, {}, std::move(hint));
}

void check(const ModelConfig& c) {
  const std::vector<std::string> schemes = {"shared-private"};
  if (c.scheme != schemes[0]) {
    const std::string close = nearest(c.scheme, schemes);
    refuse("model.scheme = '" + escape_text(c.scheme) + "' is not a scheme",
           close.empty() ? "schemes: shared-private" : "did you mean '" + close + "'?");
  }
  if (c.modalities.size() < 2 || c.modalities.size() > 8)
    refuse("a model takes 2 to 8 modalities, got " + std::to_string(c.modalities.size()));
  for (const auto& [key, value] : {std::pair{"model.width", c.width},
                                   {"model.private_width", c.private_width},
                                   {"model.shared_width", c.shared_width}})
    if (value < 1) refuse(std::string(key) + " = " + std::to_string(value) + " must be at least 1");
  for (const ModalitySpec& m : c.modalities) {
    if (m.kind == ModalityKind::image && c.width % 4 != 0)
      refuse("model.width = " + std::to_string(c.width) + " must be a multiple of 4 for the image modality '" + m.name +
             "'");
    if (m.kind == ModalityKind::image && (m.height % 4 != 0 || m.breadth % 4 != 0))
      refuse("modality '" + m.name + "': pictures of " + std::to_string(m.height) + " x " + std::to_string(m.breadth) +
             " must have sides that are multiples of 4");
  }
  if (!(c.dropout >= 0 && c.dropout < 1)) refuse("model.dropout = " + std::to_string(c.dropout) + " must be in [0, 1)");
  if (c.decorrelation != "xcorr" && c.decorrelation != "xcov")
    refuse("model.decorrelation = '" + escape_text(c.decorrelation) + "' must be xcorr or xcov");
}

}  // namespace

std::unique_ptr<Model> make_model(const ModelConfig& config, DType dtype, std::uint64_t seed) {
  check(config);
  return std::make_unique<SharedPrivateModel>(config, dtype, seed);
}

}  // namespace triptych

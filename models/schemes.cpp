#include "models/schemes.h"

#include "core/error.h"
#include "models/modality_moe/modality_moe.h"
#include "models/shared_private/shared_private.h"

namespace triptych {

const std::vector<std::string>& scheme_names() {
  static const std::vector<std::string> names = {"modality-moe", "shared-private"};
  return names;
}

std::unique_ptr<Scheme> make_scheme(const std::string& name, const ModelConfig& config, const Init& init,
                                    std::span<const EncodedWidths> widths) {
  if (name == "modality-moe") {
    ModalityMoeConfig moe = config.moe;
    moe.width = config.width;
    return std::make_unique<ModalityMoe>(init, widths, moe);
  }
  if (name == "shared-private")
    return std::make_unique<SharedPrivate>(init, widths, config.private_width, config.shared_width);
  const std::string close = nearest(name, scheme_names());
  std::string all;
  for (const std::string& n : scheme_names()) all += (all.empty() ? "" : ", ") + n;
  throw Error(Exit::usage, "model.scheme", "model.scheme = '" + escape_text(name) + "' is not a scheme", {},
              close.empty() ? "schemes: " + all : "did you mean '" + close + "'?");
}

}  // namespace triptych

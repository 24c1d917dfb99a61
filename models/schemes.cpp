#include "models/schemes.h"

#include "core/error.h"
#include "models/modality_moe/modality_moe.h"
#include "models/shared_private/shared_private.h"

namespace triptych {

const std::vector<std::string>& scheme_names() {
  static const std::vector<std::string> names = {"query-banks", "typed-slots", "shared-private", "modality-moe"};
  return names;
}

std::unique_ptr<Scheme> make_scheme(const std::string& name, const ModelConfig& config, const Init& init,
                                    std::span<const EncodedWidths> widths, bool last) {
  if (name == "modality-moe") {
    ModalityMoeConfig moe = config.moe;
    moe.width = config.width;
    return std::make_unique<ModalityMoe>(init, widths, moe);
  }
  if (name == "shared-private") {
    using Code = SharedPrivate::Code;
    return std::make_unique<SharedPrivate>(init, widths, config.private_width, config.shared_width,
                                           config.code == "sigmoid"    ? Code::sigmoid
                                           : config.code == "gaussian" ? Code::gaussian
                                                                       : Code::linear);
  }
  if (name == "query-banks") {
    QueryBanksConfig banks = config.query_banks;
    banks.width = config.width;
    banks.modality_embedding = banks.modality_embedding && last;
    if (config.ffn == "modality-moe") banks.experts = config.moe.experts;
    return std::make_unique<QueryBanks>(init, widths, banks);
  }
  if (name == "typed-slots") {
    TypedSlotsConfig slots = config.typed_slots;
    slots.width = config.width;
    return std::make_unique<TypedSlots>(init, widths, slots);
  }
  throw Error(Exit::usage, "model.scheme", "model.scheme = '" + escape_text(name) + "' is not a scheme", {},
              suggest(name, scheme_names()));
}

}  // namespace triptych

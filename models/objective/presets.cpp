#include "models/objective/presets.h"

#include <algorithm>

#include "core/error.h"

namespace triptych {

std::vector<TermConfig> preset(const std::string& scheme, bool soft) {
  const TermConfig align{"align", "clip", {"shared"}, 1, 1, WeightSchedule::gate};
  const TermConfig decorrelate{"decorrelate", "xcorr", {"private-shared", "private"}};
  const TermConfig variance{"variance", "variance_hinge", {"private", "shared"}};
  const TermConfig leakage{"leakage", "attention_leakage", {"attention"}};
  const TermConfig balance{"balance", "switch_balance", {"routing"}, 0.01, 0.01};
  if (scheme == "shared-private") return {{"reconstruct", "mse", {"reconstruction"}}, align, decorrelate, variance};
  if (scheme == "typed-slots" && soft) return {align, leakage, decorrelate, variance};
  if (scheme == "modality-moe") return {align, balance, decorrelate, variance};
  return {align, decorrelate, variance};
}

bool has_experts(const ModelConfig& model) {
  return model.ffn == "modality-moe" || std::ranges::count(model.scheme, "modality-moe") > 0;
}

const std::vector<std::string>& variants() {
  static const std::vector<std::string> names = {"misa", "dcca",    "vcca",      "vcca-private",
                                                 "clip", "infonce", "generative"};
  return names;
}

void set_variant(const std::string& name, ModelConfig& model) {
  const bool vcca = name == "vcca" || name == "vcca-private";
  if (name == "misa" || name == "dcca" || vcca) model.bridge = {0, 0};
  if (name == "misa") model.code = "sigmoid", model.head = {"private", "shared"};
  if (name == "dcca") model.encoder = "deep";
  if (name == "generative") model.code = "gaussian-private";
  if (vcca) model.code = "gaussian", model.decoder_hidden = 512;
}

std::vector<TermConfig> variant_objective(const std::string& name, const ModelConfig& model, std::size_t modalities) {
  if (name == "scheme") return preset(model.scheme.back(), model.typed_slots.soft);
  const auto m = static_cast<double>(modalities);
  const double of_pairs = 2 / (m * std::max(m - 1, 1.0)), of_modalities = 1 / m;
  const auto term = [](const char* as, const char* loss, std::vector<std::string> on, double weight) {
    return TermConfig{as, loss, std::move(on), weight, weight};
  };
  if (name == "misa")
    return {term("reconstruct", "mse", {"reconstruction"}, of_modalities), term("align", "cmd", {"shared"}, of_pairs),
            term("decorrelate", "misa_difference", {"private-shared", "private"}, 0.3)};
  if (name == "dcca") return {term("align", "dcca", {"shared"}, 1)};
  if (name == "vcca")
    return {term("reconstruct", "gaussian_nll", {"shared-reconstruction"}, 1),
            term("prior", "kl_gaussian", {"shared"}, of_modalities)};
  if (name == "vcca-private")
    return {term("reconstruct", "gaussian_nll", {"cross-reconstruction"}, 1),
            term("prior", "kl_gaussian", {"shared"}, of_modalities),
            term("prior_private", "kl_gaussian", {"private"}, 1)};
  if (name == "generative") {
    std::vector<TermConfig> terms = {term("generate", "flow_matching", {"generation"}, 1),
                                     {"align", "clip", {"shared"}, 1, 1, WeightSchedule::gate},
                                     term("prior", "kl_gaussian", {"private"}, 1e-3)};
    if (has_experts(model)) terms.push_back(term("balance", "switch_balance", {"routing"}, 0.01));
    return terms;
  }
  if (name == "clip" || name == "infonce") {
    std::vector<TermConfig> terms = preset("shared-private");
    if (name == "infonce") terms[1].loss = "info_nce";
    return terms;
  }
  std::vector<std::string> known = variants();
  known.emplace_back("scheme");
  throw Error(Exit::usage, "model.preset", "model.preset = '" + escape_text(name, 64) + "' is not a preset", {},
              suggest(name, known));
}

}  // namespace triptych

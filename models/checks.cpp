#include "models/checks.h"

#include <algorithm>

#include "core/rng.h"
#include "models/checks_codes.h"
#include "models/model.h"
#include "models/objective/presets.h"

namespace triptych {
namespace {

constexpr std::int64_t samples = 5;

Tensor drawn(Shape shape, std::uint64_t stream, double low, double high) {
  Tensor t(shape, DType::f64);
  Rng rng(11, stream);
  for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, rng.uniform(low, high));
  return t;
}

ModalityBatch features(std::int64_t tokens, std::int64_t width, bool masked) {
  ModalityBatch b{drawn({samples, tokens, width}, static_cast<std::uint64_t>(tokens * width), -1.5, 1.5), {}, {}};
  if (!masked) return b;
  b.mask = Tensor::full({samples, tokens}, DType::f64, 1);
  for (std::int64_t i = 0; i < samples; ++i)
    for (std::int64_t t = 0; t < tokens; ++t) b.mask.set(i * tokens + t, t == 0 || (i + t) % 3 != 0 ? 1 : 0);
  return b;
}

// The config and batch of one sample. All have the bridge open at p = 0.5, between its ends.
ModelConfig small_config() {
  ModelConfig c;
  c.width = 4;
  c.private_width = 3;
  c.shared_width = 2;
  c.logit_scale = 0.5;
  c.bridge = {0.2, 0.9};
  c.objective = {{"reconstruct", "mse", {"reconstruction"}},
                 {"align", "clip", {"shared"}, 1, 1, WeightSchedule::gate},
                 {"align_views", "clip", {"views.shared"}, 0.3, 0.3, WeightSchedule::gate},
                 {"decorrelate", "xcorr", {"private-shared", "private"}, 1, 0.4, WeightSchedule::linear},
                 {"variance", "variance_hinge", {"private", "shared"}, 0.7, 0.7}};
  return c;
}

struct Case {
  ModelConfig config;
  Batch batch;
};

// One option of the mixture of experts each. Routing must not change within the steps of the check: the drawn values
// see to that.
void moe_case(const std::string& name, Case& k) {
  ModalityMoeConfig& moe = k.config.moe;
  k.config.modalities = {{.name = "a", .tokens = 3, .width = 4}, {.name = "b", .tokens = 2, .width = 5}};
  k.batch.modalities = {features(3, 4, name == "moe_masked"), features(2, 5, name == "moe_masked")};
  k.config.objective = {{"align", "clip", {"shared"}, 1, 1, WeightSchedule::gate},
                        {"decorrelate", "xcorr", {"private-shared", "private"}},
                        {"reconstruct", "mse", {"reconstruction"}},
                        {"balance", "switch_balance", {"routing"}},
                        {"z", "router_z_loss", {"routing"}, 0.1, 0.1}};
  k.config.encoder = "linear";
  moe.experts.hidden = 3;
  if (name == "moe_top_2") moe.experts.k = 2;
  if (name == "moe_soft") moe.experts.foreign_penalty = 0.5, moe.experts.k = 2;
  if (name == "moe_noise") {
    moe.experts.noise = 0.5;
    k.config.objective[3] = {
        "load", "load_loss", {"routing"}, 0.1, 0.1, WeightSchedule::constant, {{"noise_std", 0.5}}};
  }
  if (name == "moe_capacity") moe.experts.capacity = 1, moe.experts.drop_order = DropOrder::priority;
  if (name == "moe_no_residual") moe.private_residual = false, moe.experts.k = 2;
  if (name == "moe_block_code") moe.block_code = true, moe.experts.k = 2;
  if (name == "moe_stacked")
    k.config.scheme = {"shared-private", "modality-moe"}, k.config.bridge = {0, 0},
    moe.experts.k = 2;  // another surface
}

// The published variants, and a task of each kind.
void variant_case(const std::string& name, Case& k) {
  k.config.modalities = {{.name = "a", .tokens = 3, .width = 4}, {.name = "b", .tokens = 2, .width = 5}};
  k.batch.modalities = {features(3, 4, name != "dcca"), features(2, 5, false)};
  set_variant(name == "regression" ? "vcca-private" : name, k.config);
  k.config.objective = variant_objective(name == "regression" ? "vcca-private" : name, k.config, 2);
  if (k.config.decoder_hidden > 0) k.config.decoder_hidden = 3;
  k.config.encoder_layers = 1;
  for (TermConfig& t : k.config.objective)  // finite differences see the whole gradient
    if (t.loss == "misa_difference") t.settings = {{"detach_norms", false}};
  if (name == "misa") {
    k.config.outputs = 3;
    k.config.objective.push_back({"task", "cross_entropy", {"task"}});
    const std::int32_t classes[] = {0, 2, 1, 1, 0};
    k.batch.labels = Tensor::from({samples}, std::span<const std::int32_t>(classes));
  } else if (name == "regression") {
    k.config.outputs = 2;
    k.config.objective.push_back({"task", "mse", {"task"}});
    k.batch.labels = drawn({samples, 2}, 77, -1, 1);
  }
}

// Flow matching, alignment, prior and balance together.
void generative_case(const std::string& name, Case& k) {
  const bool pictures = name == "pictures";
  k.config.scheme = {pictures ? "shared-private" : name};
  k.config.modalities = {{.name = "a", .tokens = 3, .width = 4}, {.name = "b", .tokens = 2, .width = 5}};
  k.batch.modalities = {features(3, 4, true), features(2, 5, false)};
  k.config.query_banks = {.private_queries = 2, .shared_queries = 2, .heads = 2, .modality_embedding = false};
  k.config.typed_slots = {.private_slots = 2, .shared_slots = 2, .iterations = 2, .norms = false};
  k.config.moe.experts.hidden = 3;
  k.config.generator = {.width = 4, .layers = 1, .heads = 2, .samples = 3};
  if (pictures) {
    k.config.width = 16;
    k.config.modalities[0] = {.name = "a", .kind = ModalityKind::image, .height = 8, .breadth = 8, .channels = 3};
    k.batch.modalities[0] = {drawn({samples, 8, 8, 3}, 5, 0, 1), {}, {}};  // its layer norms of 4 channels bend little
    k.config.generator = {.width = 16, .layers = 2, .samples = 2};
  }
  set_variant("generative", k.config);
  k.config.objective = variant_objective("generative", k.config, 2);
  for (TermConfig& t : k.config.objective) t.weight = t.weight_end = 1;  // or small ones drown in the rounding
}

Case make_case(const std::string& name) {
  Case k{small_config(), {}};
  if (name == "two_modalities") {
    k.config.modalities = {{.name = "a", .tokens = 3, .width = 4}, {.name = "b", .tokens = 2, .width = 5}};
    k.batch.modalities = {features(3, 4, false), features(2, 5, false)};
  } else if (name == "three_masked") {
    k.config.objective[3].loss = "xcov";
    k.config.modalities = {{.name = "a", .tokens = 3, .width = 4},
                           {.name = "b", .tokens = 2, .width = 3},
                           {.name = "c", .tokens = 1, .width = 2}};
    k.batch.modalities = {features(3, 4, true), features(2, 3, true), features(1, 2, false)};
  } else if (name == "regression" || std::ranges::count(variants(), name) > 0) {
    variant_case(name, k);
  } else if (name.starts_with("generative_")) {
    generative_case(name.substr(name.find('_') + 1), k);
  } else if (name.starts_with("moe_")) {
    k.config.scheme = {"modality-moe"};
    moe_case(name, k);
  } else if (name == "query_banks_shared_private" || name == "typed_slots_readout") {
    k.config.modalities = {{.name = "a", .tokens = 3, .width = 4}, {.name = "b", .tokens = 2, .width = 5}};
    k.batch.modalities = {features(3, 4, true), features(2, 5, false)};
    k.config.query_banks = {
        .private_queries = 2, .shared_queries = 2, .heads = 2, .modality_embedding = false};  // of the joint reading
    k.config.typed_slots = {.private_slots = 2, .shared_slots = 2, .iterations = 2, .norms = false};
    k.config.scheme = {"query-banks", "shared-private"};
    if (name == "typed_slots_readout") k.config.scheme = {"typed-slots"};
  } else {  // pictures_and_texts: two views of each sample
    constexpr std::int64_t rows = 2 * samples;
    k.config.width = 16;  // 4 channels at the finest level: a layer norm over fewer has next to no gradient
    k.config.modalities = {{.name = "text", .kind = ModalityKind::ngrams, .buckets = 6},
                           {.name = "image", .kind = ModalityKind::image, .height = 8, .breadth = 8, .channels = 3}};
    Tensor index({3 * rows}, DType::i32), offset({rows + 1}, DType::i32);
    for (std::int64_t i = 0; i < index.size(); ++i) index.set(i, static_cast<double>((i * i + i / 4) % 6));
    for (std::int64_t i = 0; i <= rows; ++i) offset.set(i, static_cast<double>(3 * i));
    k.batch.modalities = {{index, offset, {}}, {drawn({rows, 8, 8, 3}, 3, 0, 1), {}, {}}};
    k.batch.views = 2;
    k.config.objective[0].weight =
        30;  // a mean over 2,000 columns: its gradients must not drown in the rounding of the rest
  }
  return k;
}

}  // namespace

std::vector<SchemeCheck> scheme_checks() {
  std::vector<SchemeCheck> list = {{"shared-private", "two_modalities"},
                                   {"shared-private", "three_masked"},
                                   {"shared-private", "pictures_and_texts"},
                                   {"shared-private", "misa"},
                                   {"shared-private", "dcca"},
                                   {"shared-private", "vcca"},
                                   {"shared-private", "vcca-private"},
                                   {"shared-private", "clip"},
                                   {"shared-private", "infonce"},
                                   {"shared-private", "regression"},
                                   {"stack", "query_banks_shared_private"},
                                   {"stack", "typed_slots_readout"},
                                   {"stack", "generative_shared-private"},
                                   {"stack", "generative_query-banks"},
                                   {"stack", "generative_typed-slots"},
                                   {"stack", "generative_modality-moe"},
                                   {"stack", "generative_pictures"},
                                   {"modality-moe", "moe_top_1"},
                                   {"modality-moe", "moe_top_2"},
                                   {"modality-moe", "moe_masked"},
                                   {"modality-moe", "moe_soft"},
                                   {"modality-moe", "moe_capacity"},
                                   {"modality-moe", "moe_no_residual"},
                                   {"modality-moe", "moe_block_code"},
                                   {"modality-moe", "moe_stacked"},
                                   {"modality-moe", "moe_noise"}};
  const std::vector<SchemeCheck> of_codes = code_checks();
  list.insert(list.end(), of_codes.begin(), of_codes.end());
  return list;
}

GradcheckResult run(const SchemeCheck& check, const Kernels& kernels) {
  if (check.scheme != "shared-private" && check.scheme != "modality-moe" && check.scheme != "stack")
    return run_code_check(check, kernels);
  const Case k = make_case(check.sample);
  const auto model = make_model(k.config, DType::f64, 1);
  // The generator's last map starts at 0, and nothing before it would have a gradient.
  for (Parameter& p : model->parameters())
    if (p.name.ends_with(".generate.out.weight")) p.value = drawn(p.value.shape(), 5, -1, 1);
  // Routers start near even; here no choice may change within the steps of the check.
  for (Parameter& p : model->parameters())
    if (p.name.ends_with(".router"))
      for (std::int64_t i = 0; i < p.value.size(); ++i) p.value.set(i, 50 * p.value.at(i));
  std::vector<Tensor> values;
  std::vector<std::string> names;
  std::vector<bool> trained;
  const bool shared_only = check.sample == "dcca" || check.sample == "vcca";  // no term acts on private codes
  for (const Parameter& p : model->parameters()) {
    values.push_back(p.value);
    names.push_back(p.name);
    const bool centred = check.sample == "dcca" && p.name.ends_with(".shared.bias");  // correlations do not see it
    trained.push_back(!centred && (!shared_only || p.name.find(".private.") == std::string::npos));
  }
  const Recorded f = [&](Tape& tape, std::span<const Var> parameters) {
    Context c(tape, model->parameters());
    c.begin(parameters);
    return Outputs{model->objective(c, k.batch, 0.5).total};
  };
  // The variance hinge has a kink where a deviation is 1; those of these small models are far from it.
  // Layer norms of few channels bend within the usual step.
  return gradcheck(f, values, trained, names, kernels, {.step = 5e-4});
}

}  // namespace triptych

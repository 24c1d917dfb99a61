#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/generation.h"
#include "app/options.h"
#include "app/report_png.h"
#include "app/run_open.h"
#include "app/terminal.h"
#include "core/error.h"
#include "data/atomic_file.h"
#include "data/safetensors.h"
#include "models/generation/generated_tokens.h"

namespace triptych::app {
namespace {

using Mode = GenerateRequest::Mode;

struct Options {
  std::string run, out, mode = "swap", modality, solver = "ancestral";
  std::int64_t items = 12, steps = 20, seed = 1, threads = 0;
  double guidance = -1;  // as the run was trained
  bool json = false;
};

// The modality named, else the first that the run generates.
std::size_t find_modality(const Options& o, const Model& model) {
  const std::vector<ModalitySpec>& specs = model.config().modalities;
  std::vector<std::string> known;
  for (std::size_t m = 0; m < specs.size(); ++m) {
    if (!model.generates(m)) continue;
    if (o.modality.empty() || o.modality == specs[m].name) return m;
    known.push_back(specs[m].name);
  }
  if (known.empty())
    throw Error(Exit::usage, "generate.none", "nothing was trained to generate any modality of this run", {},
                "train with --preset generative, or a term of loss flow_matching on generation");
  refuse_unknown("generate.modality", "modality (of those that the run generates)", o.modality, known);
}

void require_suffix(const std::string& out, ModalityKind kind) {
  const std::string suffix = kind == ModalityKind::image ? ".png" : ".safetensors";
  if (!out.ends_with(suffix))
    throw Error(Exit::usage, "generate.out",
                "--out: '" + escape_text(out, 4096) + "' must end in " + suffix +
                    (kind == ModalityKind::image ? ": pictures are generated" : ": features are generated"),
                out);
}

void write_picture(const std::string& out, const PictureGrid& grid) {
  const std::vector<std::uint8_t> file = png(grid.rgb.data(), grid.width, grid.height);
  data::write_file_atomically(out, std::as_bytes(std::span(file)));
}

// NAME[.VIEW] and NAME[.VIEW].real (n,L,D), NAME[.VIEW].mask (n,L) where there is padding, and the positions.
void write_features(const std::string& out, const std::string& name, const Generated& g) {
  data::Safetensors file;
  const auto add = [&](const std::string& as, const Tensor& t) {
    const auto sizes = t.shape().sizes();
    file.tensors.emplace_back(
        as, data::make_array({sizes.begin(), sizes.end()},
                             std::span<const float>(t.data<const float>(), static_cast<std::size_t>(t.size()))));
  };
  for (std::size_t v = 0; v < g.views.size(); ++v) {
    const std::string of = name + (g.views[v].empty() ? "" : "." + g.views[v]);
    add(of, g.made[v]);
    add(of + ".real", g.real[v]);
    if (g.mask[v]) add(of + ".mask", g.mask[v]);
  }
  const std::int64_t n = std::ssize(g.items);
  std::vector<std::int32_t> donors;
  for (const std::int32_t d : g.donor) donors.push_back(g.items[static_cast<std::size_t>(d)]);
  file.tensors.emplace_back("item", data::make_array({n}, std::span<const std::int32_t>(g.items)));
  file.tensors.emplace_back("donor", data::make_array({n}, std::span<const std::int32_t>(donors)));
  file.metadata = {{"program", "triptych generate"}};
  data::write_safetensors(out, file);
}

const char* legend(Mode mode) {
  switch (mode) {
    case Mode::reconstruct: return "per view: the held-out picture, and what its own codes give\n";
    case Mode::swap:
      return "first the held-out picture; then per view: the donor of the private code, and the picture with it\n";
    default:
      return "first the picture that the text belongs to; "
             "then per view: the donor of the private code, and the picture\n"
             "from the text's joint code and that private code\n";
  }
}

int run(const Options& o) {
  use_threads(o.threads);
  const OpenRun run = open_run(o.run);
  for (const std::string& n : run.notices) say("warning: " + n + "\n");
  GenerateRequest request;
  request.mode = o.mode == "reconstruct" ? Mode::reconstruct : o.mode == "swap" ? Mode::swap : Mode::cross;
  const std::vector<ModalitySpec> specs = run.data->modalities();
  request.modality = find_modality(o, *run.model);
  using enum FlowSampling::Solver;
  request.how = {o.solver == "euler"  ? euler
                 : o.solver == "heun" ? heun
                                      : ancestral,
                 static_cast<int>(o.steps), o.guidance < 0 ? std::nullopt : std::optional(o.guidance)};
  request.seed = static_cast<std::uint64_t>(o.seed);
  const ModalitySpec& spec = specs[request.modality];
  require_suffix(o.out, spec.kind);
  const Generated g = generate(*run.model, *run.data, request);
  if (spec.kind == ModalityKind::image)
    write_picture(o.out, picture_grid(spec, g, request.mode, o.items));
  else
    write_features(o.out, spec.name, g);

  nlohmann::ordered_json factors = nlohmann::ordered_json::array();
  std::string text = spec.kind == ModalityKind::image
                         ? legend(request.mode)
                         : std::to_string(g.items.size()) + " held-out items: '" + escape_text(spec.name, 64) +
                               "' is what was generated, '" + escape_text(spec.name, 64) +
                               ".real' the samples; 'item' and 'donor' number them\n";
  if (request.mode == Mode::reconstruct)
    text +=
        "R^2 of what was generated against the samples, about the mean of each feature or channel: " + percents(g.r2) +
        "\n";
  for (const FactorRead& f : g.factors) {
    factors.push_back(
        {{"factor", f.factor}, {"generated", f.generated}, {"real", f.real}, {"chance", f.chance}, {"n", f.n}});
    text += escape_text(f.factor, 64) + " told from " + std::to_string(f.n) +
            " generated pictures by a probe fitted on real ones: " + percents(f.generated) + " (real pictures " +
            percents(f.real) + ", chance " + percents(f.chance) + ")\n";
  }
  if (o.json) {
    nlohmann::ordered_json j = {{"file", o.out},         {"step", run.step},        {"mode", o.mode},
                                {"modality", spec.name}, {"solver", o.solver},      {"steps", o.steps},
                                {"seed", o.seed},        {"items", g.items.size()}, {"views", g.views}};
    j["guidance"] =
        o.guidance >= 0 ? o.guidance : run.model->config().generator.usual_guidance(spec.kind == ModalityKind::image);
    j["r2"] = request.mode == Mode::reconstruct ? nlohmann::ordered_json(g.r2) : nullptr;
    j["factors"] = factors;
    print_line(j);
  } else {
    print(text);
  }
  say("wrote " + escape_text(o.out, 4096) + "\n");
  return 0;
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  add_text(options, "RUN", o->run, "", "the folder of a run trained with --preset generative")->required();
  add_text(options, "-o,--out", o->out, "FILE", "receives a grid of pictures (.png) or features (.safetensors)")
      ->required();
  add_choice(options, "--mode", o->mode, {"reconstruct", "swap", "cross"},
             "what the flow is given: an item's own codes; its joint code and another's private code (default); the\n"
             "           same, with the joint code read from the other modalities alone (of one view: as swap)");
  add_text(options, "--modality", o->modality, "NAME", "what is generated (default: the first that the run generates)");
  add_integer(options, "--items", o->items, 1, 256, "held-out items in the picture (default: 12); figures are of all");
  add_integer(options, "--steps", o->steps, 1, 1000, "of the flow (default: 20)");
  add_choice(options, "--solver", o->solver, {"ancestral", "heun", "euler"},
             "of the flow: with new noise at every step (default), or without; heun is twice the work");
  add_number(options, "--guidance", o->guidance, 0, 100,
             "times as far from what no codes give as the codes lead; 1: as they say (default: 2 for pictures, 1 for\n"
             "           features and with generator.hide = 0)");
  add_integer(options, "--seed", o->seed, 0, 9007199254740992, "of the noise (default: 1)");
  add_json(options, o->json);
  add_threads(options, o->threads);
  return [o] { return run(*o); };
}

}  // namespace

const Command generate_command{"generate", "generates held-out samples from their codes, or from swapped ones",
                               "triptych generate runs/drawn --out swaps.png\n"
                               "triptych generate runs/drawn --mode cross --out from_text.png\n"
                               "triptych generate runs/drawn --mode reconstruct --json --out again.png",
                               setup};

}  // namespace triptych::app

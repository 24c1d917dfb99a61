#include "app/config_fields.h"

#include <algorithm>
#include <charconv>
#include <type_traits>

#include "app/options.h"
#include "app/terminal.h"
#include "core/error.h"
#include "models/objective/presets.h"

namespace triptych::app {
namespace {

constexpr double huge = 1e9;
constexpr double tiny = 1e-12;

std::vector<std::string_view> presets() {
  std::vector<std::string_view> names = {"scheme"};
  names.insert(names.end(), variants().begin(), variants().end());
  return names;
}

template <class Enum>
Choice choice(Enum& e) {
  static_assert(std::is_same_v<std::underlying_type_t<Enum>, std::uint8_t>);
  return {reinterpret_cast<std::uint8_t*>(&e)};
}

#define SLOT(member) [](RunConfig& c) -> Slot { return &c.member; }
#define CHOICE(member) [](RunConfig& c) -> Slot { return choice(c.member); }

const std::vector<Field>& table() {
  static const std::vector<Field> fields{
      {"data.source",
       SLOT(data.source),
       0,
       0,
       {},
       "emoji, emoji:FOLDER, files, synthetic:identifiability, synthetic:disentangled, or split:FILE"},
      {"data.labels", SLOT(data.labels), 0, 0, {}, "files: FILE[:MEMBER] with a class or a target for every row", true},
      {"data.test", SLOT(data.test), 0, 0, {}, "split: file of the pictures to hold out; none: every fifth", true},
      {"data.drop_nonfinite", SLOT(data.drop_nonfinite), 0, 0, {}, "files: leave out rows with NaN or Inf"},
      {"data.split", SLOT(data.split), 0, 0, {"standard", "hard"}, "emoji: which concepts are held out"},
      {"data.views", SLOT(data.views), 1, 2, {}, "emoji: pictures and wordings of each concept in a batch"},
      {"data.buckets", SLOT(data.buckets), 16, 1 << 24, {}, "emoji: rows of the n-gram table"},
      {"data.seed", SLOT(data.seed), 0, 1 << 24, {}, "synthetic: which process is drawn"},
      {"data.change", SLOT(data.change), 0, 1, {}, "synthetic:identifiability: probability that a style differs"},
      {"data.statistical", SLOT(data.statistical), 0, 0, {}, "synthetic:identifiability: factors correlate inside"},
      {"data.causal", SLOT(data.causal), 0, 0, {}, "synthetic:identifiability: content causes style"},

      {"model.scheme", SLOT(model.scheme), 0, 0, {}, "how shared and private codes are made; several: a stack"},
      {"model.preset", SLOT(model.preset), 0, 0, presets(),
       "objective, where none is listed, and its kind of codes; scheme: that of the last one"},
      {"model.encoder", SLOT(model.encoder), 0, 0, {"mlp", "deep", "linear", "none"}, "files: encoder of the features"},
      {"model.encoder_layers", SLOT(model.encoder_layers), 1, 64, {}, "of the encoder deep, each model.width wide"},
      {"model.image_tokens", SLOT(model.image_tokens), 0, 0, {"mean", "map"}, "of a picture: one, or one a position"},
      {"model.ffn", SLOT(model.ffn), 0, 0, {"dense", "modality-moe"}, "of query-banks with pre_norm"},
      {"model.width", SLOT(model.width), 1, 65536, {}, "of encoded tokens"},
      {"model.private_width", SLOT(model.private_width), 0, 65536, {}, "of a private code; 0: as the scheme makes it"},
      {"model.shared_width", SLOT(model.shared_width), 0, 65536, {}, "of a shared code; 0: as the scheme makes it"},
      {"model.code",
       SLOT(model.code),
       0,
       0,
       {"linear", "sigmoid", "gaussian", "gaussian-private"},
       "of shared-private, as the last scheme; the last one: of any, for the private codes alone"},
      {"model.decoder_hidden",
       SLOT(model.decoder_hidden),
       0,
       65536,
       {},
       "units of the reconstruction; 0: a linear map"},
      {"model.head", SLOT(model.head), 0, 0, {}, "codes that the task head reads"},
      {"model.outputs", SLOT(model.outputs), 0, 65536, {}, "of the task head; 0: as many as the labels have"},
      {"model.dropout", SLOT(model.dropout), 0, 0.95, {}, "probability that an entry is zeroed in training"},
      {"model.logit_scale",
       SLOT(model.logit_scale),
       0,
       4.605170185988092,
       {},
       "of the alignment, at first (natural log)"},
      {"model.bridge_start", SLOT(model.bridge.start), 0, 1, {}, "progress at which the bridge begins to open"},
      {"model.bridge_end", SLOT(model.bridge.end), 0, 1, {}, "progress at which it is open"},

      {"query_banks.private_queries", SLOT(model.query_banks.private_queries), 1, 4096, {}, "of each private bank"},
      {"query_banks.shared_queries", SLOT(model.query_banks.shared_queries), 1, 4096, {}, "of the shared bank"},
      {"query_banks.heads", SLOT(model.query_banks.heads), 1, 1024, {}, "of attention: a divisor of model.width"},
      {"query_banks.block_per_bank", SLOT(model.query_banks.block_per_bank), 0, 0, {}, "every bank has its attention"},
      {"query_banks.pre_norm", SLOT(model.query_banks.pre_norm), 0, 0, {}, "blocks with residual, self-attention, MLP"},
      {"query_banks.depth", SLOT(model.query_banks.depth), 1, 64, {}, "blocks on top of each other"},
      {"query_banks.tanh_bridge", SLOT(model.query_banks.tanh_bridge), 0, 0, {}, "the bridge is learned: tanh(alpha)"},

      {"typed_slots.private_slots", SLOT(model.typed_slots.private_slots), 1, 4096, {}, "of each modality"},
      {"typed_slots.shared_slots", SLOT(model.typed_slots.shared_slots), 1, 4096, {}, "of type share"},
      {"typed_slots.iterations", SLOT(model.typed_slots.iterations), 1, 64, {}, "of reading and updating"},
      {"typed_slots.heads", SLOT(model.typed_slots.heads), 1, 1024, {}, "of attention: a divisor of model.width"},
      {"typed_slots.compete", SLOT(model.typed_slots.compete), 0, 0, {}, "softmax over slots; else over tokens"},
      {"typed_slots.soft", SLOT(model.typed_slots.soft), 0, 0, {}, "foreign tokens count e^-ban instead of nothing"},
      {"typed_slots.ban", SLOT(model.typed_slots.ban), 0, 100, {}, "soft: how little"},
      {"typed_slots.norms", SLOT(model.typed_slots.norms), 0, 0, {}, "layer norm of tokens and slots"},
      {"typed_slots.mlp", SLOT(model.typed_slots.mlp), 0, 0, {}, "a residual MLP after the GRU"},
      {"typed_slots.gradient",
       CHOICE(model.typed_slots.gradient),
       0,
       0,
       {"full", "bilevel", "implicit"},
       "through the iterations"},
      {"typed_slots.adaptive", SLOT(model.typed_slots.adaptive), 0, 0, {}, "a gate keeps or drops each slot"},
      {"typed_slots.tau", SLOT(model.typed_slots.tau), 1e-3, 100, {}, "temperature of these gates"},

      {"moe.experts", SLOT(model.moe.experts.experts), 1, 1024, {}, "of each modality's cluster"},
      {"moe.shared_experts", SLOT(model.moe.experts.shared_experts), 1, 1024, {}, "of the shared cluster"},
      {"moe.hidden", SLOT(model.moe.experts.hidden), 0, 1 << 20, {}, "width of an expert; 0: four times model.width"},
      {"moe.k", SLOT(model.moe.experts.k), 1, 16, {}, "experts a token is sent to"},
      {"moe.foreign_penalty",
       SLOT(model.moe.experts.foreign_penalty),
       0,
       100,
       {},
       "0: foreign experts are out of reach"},
      {"moe.noise", SLOT(model.moe.experts.noise), 0, 100, {}, "of the choice in training, standard deviation"},
      {"moe.capacity", SLOT(model.moe.experts.capacity), 0, 100, {}, "in training, over an even load; 0: no limit"},
      {"moe.drop_order",
       CHOICE(model.moe.experts.drop_order),
       0,
       0,
       {"position", "priority"},
       "who is dropped: the last tokens, or those least sure"},

      {"generator.width", SLOT(model.generator.width), 1, 65536, {}, "of the net that generates tokens"},
      {"generator.layers",
       SLOT(model.generator.layers),
       1,
       64,
       {},
       "of it; of pictures: blocks at each of four levels"},
      {"generator.heads",
       SLOT(model.generator.heads),
       1,
       1024,
       {},
       "of attention, for feature tokens: a divisor of generator.width"},
      {"generator.samples", SLOT(model.generator.samples), 0, 1 << 20, {}, "of a batch it is trained on; 0: all"},
      {"generator.hide",
       SLOT(model.generator.hide),
       0,
       0.99,
       {},
       "probability that training hides a sample's codes, for guidance"},
      {"generator.times",
       CHOICE(model.generator.times),
       0,
       0,
       {"uniform", "logit-normal"},
       "of the flow that training asks at"},

      {"train.steps", SLOT(train.steps), 1, huge, {}, "optimizer steps"},
      {"train.batch", SLOT(train.batch), 0, 1 << 20, {}, "items in a batch; 0: as many as there are, at most 256"},
      {"train.lr", SLOT(train.lr), tiny, huge, {}, "peak learning rate"},
      {"train.warmup", SLOT(train.warmup), 0, huge, {}, "steps until the peak; then a cosine down to 0"},
      {"train.optimizer", SLOT(train.optimizer.rule), 0, 0, {"adamw", "adam", "sgd"}, "the update rule"},
      {"train.weight_decay",
       SLOT(train.optimizer.weight_decay),
       0,
       100,
       {},
       "adamw: decoupled, else part of the gradient; not on gains, biases and scalars"},
      {"train.beta1", SLOT(train.optimizer.beta1), 0, 0.999999, {}, "adam, adamw: of the first moment"},
      {"train.beta2", SLOT(train.optimizer.beta2), 0, 0.99999999, {}, "adam, adamw: of the second moment"},
      {"train.momentum", SLOT(train.optimizer.momentum), 0, 0.999999, {}, "sgd"},
      {"train.nesterov", SLOT(train.optimizer.nesterov), 0, 0, {}, "sgd: with Nesterov's momentum"},
      {"train.clip", SLOT(train.clip), tiny, huge, {}, "largest global norm of the gradient"},
      {"train.surgery", SLOT(train.surgery.method), 0, 0, surgery::surgery_names(),
       "how the losses' gradients become one (docs/surgery.md)"},
      {"train.surgery_c", SLOT(train.surgery.c), 0, 100, {}, "cagrad: how far from the mean"},
      {"train.surgery_alpha", SLOT(train.surgery.alpha), 0, 100, {}, "gradnorm: how hard slow losses are pushed"},
      {"train.surgery_lr",
       SLOT(train.surgery.lr),
       0,
       100,
       {},
       "gradnorm, famo, uncertainty_weighting: of what they learn"},
      {"train.surgery_decay", SLOT(train.surgery.decay), 0, 100, {}, "famo: draws its logits to equal weights"},
      {"train.seed", SLOT(train.seed), 0, 9007199254740992.0, {}, "of initial values, batches and dropout"},
      {"train.threads", SLOT(train.threads), 0, 1024, {}, "0: OMP_NUM_THREADS, else one per processor"},
      {"train.log_every", SLOT(train.log_every), 1, huge, {}, "steps between lines of metrics.jsonl"},
      {"train.monitor_every",
       SLOT(train.monitor_every),
       0,
       huge,
       {},
       "steps between looks at held-out codes: CKA, probes, leakage; 0: none"},
      {"train.checkpoint_every", SLOT(train.checkpoint_every), 1, huge, {}, "steps between checkpoints"},
  };
  return fields;
}
#undef SLOT
#undef CHOICE

template <class... F>
struct Match : F... {
  using F::operator()...;
};
template <class... F>
Match(F...) -> Match<F...>;

}  // namespace

std::span<const Field> config_fields() { return table(); }

const Field* find_field(std::string_view key) {
  const auto at = std::find_if(table().begin(), table().end(), [&](const Field& f) { return f.key == key; });
  return at == table().end() ? nullptr : &*at;
}

std::vector<std::string> field_keys() {
  std::vector<std::string> keys;
  for (const Field& f : table()) keys.emplace_back(f.key);
  return keys;
}

std::string expected(const Field& field) {
  RunConfig scratch;
  const auto choices = [&] {
    std::string all;
    for (const std::string_view c : field.choices) all += (all.empty() ? "" : " or ") + toml_string(c);
    return all;
  };
  const auto range = [&](const char* kind) {
    return std::string(kind) + " from " + number_text(field.least) + " to " + number_text(field.most);
  };
  return std::visit(
      Match{[](bool*) { return std::string("true or false"); },
            [&](int*) {
              return "a whole number from " + std::to_string(static_cast<int>(field.least)) + " to " +
                     std::to_string(static_cast<int>(field.most));
            },
            [&](std::int64_t*) {
              return "a whole number from " + std::to_string(static_cast<std::int64_t>(field.least)) + " to " +
                     std::to_string(static_cast<std::int64_t>(field.most));
            },
            [&](double*) { return range("a number"); },
            [](std::vector<std::string>*) { return std::string("one name or a list of names"); },
            [&](std::string*) { return field.choices.empty() ? std::string("a text that is not empty") : choices(); },
            [&](Choice) { return choices(); }},
      field.slot(scratch));
}

std::string value_text(const Field& field, const RunConfig& config) {
  RunConfig copy = config;
  return std::visit(Match{[](bool* v) { return std::string(*v ? "true" : "false"); },
                          [](int* v) { return std::to_string(*v); }, [](std::int64_t* v) { return std::to_string(*v); },
                          [](double* v) {
                            const std::string text = number_text(*v);  // "1" and "1e-12" would be other TOML types
                            return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
                          },
                          [](std::string* v) { return toml_string(*v); },
                          [](std::vector<std::string>* v) { return toml_strings(*v); },
                          [&](Choice v) { return toml_string(field.choices[*v.value]); }},
                    field.slot(copy));
}

void set_value(const Field& field, std::string_view text, RunConfig& config, const std::string& where,
               const std::string& file) {
  const auto refuse = [&] {
    const std::string close = nearest(text, {field.choices.begin(), field.choices.end()});
    throw Error(
        Exit::usage, "config.value",
        where + std::string(field.key) + ": '" + escape_text(text, 64) + "' must be " + expected(field), file,
        close.empty() ? std::string(field.key) + ": " + std::string(field.meaning) : "did you mean '" + close + "'?");
  };
  const auto number = [&](auto* v) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *v);
    if (error != std::errc{} || end != text.data() + text.size() || !(static_cast<double>(*v) >= field.least) ||
        !(static_cast<double>(*v) <= field.most))
      refuse();
  };
  std::visit(Match{[&](bool* v) {
                     if (text != "true" && text != "false") refuse();
                     *v = text == "true";
                   },
                   [&](int* v) { number(v); }, [&](std::int64_t* v) { number(v); }, [&](double* v) { number(v); },
                   [&](std::string* v) {
                     const auto& c = field.choices;
                     if ((text.empty() && !field.optional) || !is_utf8(text) ||
                         text.find('\0') != std::string_view::npos ||
                         (!c.empty() && std::find(c.begin(), c.end(), text) == c.end()))
                       refuse();
                     *v = text;
                   },
                   [&](std::vector<std::string>* v) {
                     *v = split_names(text);
                     if (std::find(v->begin(), v->end(), "") != v->end() || !is_utf8(text)) refuse();
                   },
                   [&](Choice v) {
                     const auto at = std::find(field.choices.begin(), field.choices.end(), text);
                     if (at == field.choices.end()) refuse();
                     *v.value = static_cast<std::uint8_t>(at - field.choices.begin());
                   }},
             field.slot(config));
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      constexpr char hex[] = "0123456789ABCDEF";
      out += std::string("\\u00") + hex[(c >> 4) & 15] + hex[c & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t end = std::min(text.find('+', from), text.size());
    parts.emplace_back(text.substr(from, end - from));
    from = end + 1;
  }
  return parts;
}

std::string toml_strings(const std::vector<std::string>& texts) {
  if (texts.size() == 1) return toml_string(texts[0]);
  std::string out;
  for (const std::string& t : texts) out += (out.empty() ? "[" : ", ") + toml_string(t);
  return texts.empty() ? "[]" : out + "]";
}

std::string key_hint(const std::string& key) {
  std::vector<std::string> keys = field_keys();
  const std::string bare = key.substr(key.rfind('.') + 1);
  std::string close;
  for (const std::string& k : keys)  // the right name under no section or a wrong one
    if (close.empty() && k.substr(k.find('.') + 1) == bare) close = k;
  return close.empty() ? suggest(key, keys) : "did you mean '" + close + "'?";
}

}  // namespace triptych::app

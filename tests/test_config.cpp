// Configs: every key there and back, and every way to get one wrong.
#include "app/config.h"

#include "app/config_fields.h"
#include "app/config_toml.h"
#include "app/terminal.h"
#include "tests/io_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::app;
using io_test::check_refused;
using io_test::TempDir;

RunConfig with(std::vector<std::pair<std::string, std::string>> values) {
  ConfigSources s;
  s.values = std::move(values);
  return read_config(s);
}

void refuse(std::string_view toml, std::string_view code, std::initializer_list<std::string_view> parts,
            std::string_view hint = {}) {
  CAPTURE(std::string(toml));
  const Error e = check_refused([&] { parse_config(toml, "run.toml"); }, code, parts, Exit::usage);
  CAPTURE(e.hint);
  CHECK(e.hint.find(hint) != std::string::npos);
}

}  // namespace

TEST_CASE("config: a scheme brings its objective, and on the emoji the widths it was tried with") {
  ConfigSources from;
  from.source = "emoji";
  from.values = {{"model.scheme", "query-banks+modality-moe"}};
  RunConfig c = read_config(from);
  CHECK(c.model.scheme == std::vector<std::string>{"query-banks", "modality-moe"});
  CHECK(c.model.shared_width == 0);
  CHECK(c.model.objective.back().loss == "switch_balance");
  ConfigSources banks;
  banks.source = "emoji";
  banks.values = {{"model.scheme", "query-banks"}};
  CHECK(read_config(banks).model.shared_width == 80);
  ConfigSources slots;
  slots.source = "emoji";
  slots.values = {{"model.scheme", "typed-slots"}, {"typed_slots.private_slots", "5"}};
  c = read_config(slots);
  CHECK(c.model.image_tokens == "map");
  CHECK(c.model.typed_slots.private_slots == 5);
  CHECK(c.model.typed_slots.shared_slots == 2);
  CHECK(c.model.objective[3].name == "decorrelate");
  CHECK(c.model.objective[3].weight == 30);
  slots.source = "synthetic:disentangled";
  CHECK(read_config(slots).model.typed_slots.shared_slots == 4);
  from.values.emplace_back("model.shared_width", "80");
  from.values.emplace_back("objective.balance.weight", "0.5");
  c = read_config(from);
  CHECK(c.model.shared_width == 80);
  CHECK(c.model.objective.back().weight == 0.5);
  CHECK(c.model.objective.back().weight_end == 0.5);
  const auto refused = [&](const char* key, const char* value, const char* message) {
    ConfigSources bad = from;
    bad.values.emplace_back(key, value);
    CHECK_THROWS_WITH_AS(read_config(bad), message, Error);
  };
  refused("objective.balanc.weight", "1", "unknown key 'objective.balanc.weight'");
  refused("objective.balance.wieght", "1", "objective: unknown key 'wieght' for the loss switch_balance");
  refused("objective.balance.weight", "-1", "objective 'balance': weight = '-1' must be a finite number >= 0");
  refused("objective.balance.weight_end", "-0.1",
          "objective 'balance': weight_end = '-0.1' must be a finite number >= 0");
  refused("objective.balance.schedule", "lineer",
          "objective: schedule 'lineer' must be constant, gate, linear or cosine");
  refused("objective.balance.weight_end", "1",
          "objective 'balance': weight_end and schedule = \"constant\" exclude each other");
}

TEST_CASE("config: a preset brings its objective and codes, and gives way to what is said") {
  RunConfig c = parse_config(
      "[data]\nsource = 'files'\n[[data.modality]]\nname = 'a'\nfile = 'a.npy'\n"
      "[[data.modality]]\nname = 'b'\nfile = 'b.npy'\n[model]\npreset = 'vcca-private'\n",
      "run.toml");
  CHECK(c.model.code == "gaussian");
  CHECK(c.model.bridge.end == 0);
  REQUIRE(c.model.objective.size() == 3);
  CHECK(c.model.objective[1].weight == 0.5);
  c.model.decoder_hidden = 7;
  CHECK(to_toml(parse_config(to_toml(c), "again")) == to_toml(c));
  c = with({{"data.source", "synthetic:disentangled"}, {"model.preset", "misa"}, {"model.code", "linear"}});
  CHECK(c.model.code == "linear");
  CHECK(c.model.objective[1].loss == "cmd");
  c = with({{"model.preset", "dcca"}});  // on the emoji too
  CHECK(c.model.objective[0].loss == "dcca");
  CHECK(c.model.shared_width == 48);
  refuse("[model]\npreset = 'vca'\n", "config.value", {"run.toml:2", "'vca'", "\"vcca-private\""}, "'vcca'");
}

TEST_CASE("config: labels go with feature files and bring a task, a second file of pictures with a first") {
  const std::string files =
      "[[data.modality]]\nname = 'a'\nfile = 'a.npy'\n[[data.modality]]\nname = 'b'\nfile = 'b.npy'\n";
  const RunConfig c = parse_config("[data]\nlabels = 'y.npz:y'\n" + files, "run.toml");
  CHECK(c.data.labels.ends_with("/y.npz:y"));
  CHECK(c.data.labels.starts_with("/"));
  CHECK(c.model.objective.back().on == std::vector<std::string>{"task"});
  refuse("[data]\nlabels = 'y.npy'\n", "config.contradiction", {"data.labels", "\"emoji\""});
  refuse("[data]\ntest = 'y'\n", "config.contradiction", {"data.test", "split:FILE"});
}

TEST_CASE("config: [[objective]] tables in TOML") {
  const char* text = R"([model]
scheme = ["typed-slots", "shared-private"]
[[objective]]
loss = "info_nce"
on = "shared"
tau = 0.5
schedule = "linear"
weight = 2
weight_end = 1.0
[[objective]]
loss = "xcorr"
on = ["private", "private-shared"]
name = "apart"
)";
  const RunConfig c = parse_config(text, "c.toml");
  REQUIRE(c.model.objective.size() == 2);
  CHECK(c.model.objective[0].name == "info_nce_shared");
  CHECK(c.model.objective[0].settings == Settings{{"tau", 0.5}});
  CHECK(c.model.objective[0].weight_end == 1);
  CHECK(c.model.objective[1].on == std::vector<std::string>{"private", "private-shared"});
  CHECK(to_toml(parse_config(to_toml(c), "x")) == to_toml(c));
  const auto refused = [](const char* toml, const char* message) {
    CHECK_THROWS_WITH_AS(parse_config(toml, "c.toml"), message, Error);
  };
  refused("[[objective]]\non = \"shared\"\n", "c.toml:1:1: objective: every entry needs a loss");
  refused("[[objective]]\nloss = \"xcor\"\n", "c.toml:2:8: objective: loss 'xcor' is not a loss");
  refused("[[objective]]\nloss = \"clip\"\ntua = 1\n", "c.toml:3:7: objective: unknown key 'tua' for the loss clip");
  refused("[[objective]]\nloss = \"clip\"\non = \"shared\"\nschedule = \"linear\"\nweight_end = -1\n",
          "c.toml:5:14: objective 'clip': weight_end = '-1' must be a finite number >= 0");
  refused("objective = 3\n", "c.toml:1:13: objective: expected [[objective]] tables");
}

TEST_CASE("config: what is written reads back the same") {
  CHECK(to_toml(parse_config(to_toml(emoji_defaults()), "x")) == to_toml(emoji_defaults()));
  RunConfig c = feature_defaults();
  c.data.files = {{"text", "/data/a \"b\"\\\n.npy", ""}, {"bild", "/data/ü.npz:x", "/data/mask.npy"}};
  c.data.drop_nonfinite = true;
  c.model.width = 33;
  c.model.dropout = 0.1;
  c.model.bridge = {0.25, 1.0 / 3};
  c.train.lr = 3e-4;
  c.train.clip = 1e9;
  c.train.seed = 9007199254740991;
  c.train.threads = 3;
  const RunConfig back = parse_config(to_toml(c), "x");
  CHECK(to_toml(back) == to_toml(c));
  CHECK(back.data.files == c.data.files);
  CHECK(back.model.bridge.end == c.model.bridge.end);
  CHECK(back.train.seed == c.train.seed);
}

TEST_CASE("config: every field is written, takes its bounds and refuses what lies beyond") {
  const std::string text = to_toml(emoji_defaults());
  for (const Field& f : config_fields()) {
    CAPTURE(std::string(f.key));
    CHECK(text.find("\n" + std::string(f.name()) + " = ") != std::string::npos);
    CHECK(find_field(f.key) == &f);
    RunConfig c = emoji_defaults();
    if (f.most > f.least) {
      for (const double v : {f.least, f.most}) {
        const bool whole = std::holds_alternative<std::int64_t*>(f.slot(c));
        const std::string bound = whole ? std::to_string(static_cast<std::int64_t>(v)) : number_text(v);
        set_value(f, bound, c);
        CHECK(value_text(f, c).starts_with(bound));
      }
      check_refused([&] { set_value(f, "-1", c); }, "config.value", {f.key, "-1", "from"}, Exit::usage);
      check_refused([&] { set_value(f, "1e30", c); }, "config.value", {f.key, "1e30"}, Exit::usage);
    }
    for (const std::string_view choice : f.choices) {
      set_value(f, choice, c);
      CHECK(value_text(f, c) == toml_string(choice));
    }
    if (f.optional)
      CHECK_NOTHROW(set_value(f, "", c));
    else
      check_refused([&] { set_value(f, "", c); }, "config.value", {f.key}, Exit::usage);
  }
}

TEST_CASE("config: choices become the enums that the model reads") {
  const RunConfig c =
      with({{"moe.drop_order", "priority"}, {"typed_slots.gradient", "implicit"}, {"generator.times", "uniform"}});
  CHECK(c.model.moe.experts.drop_order == DropOrder::priority);
  CHECK(c.model.typed_slots.gradient == SlotGradient::implicit);
  CHECK(c.model.generator.times == FlowTimes::uniform);
}

TEST_CASE("config: a byte-order mark, CRLF and comments are fine; later sources win") {
  const RunConfig c = parse_config("\xEF\xBB\xBF# mine\r\n[train]\r\nsteps = 12\r\nlr = 1\r\n", "run.toml");
  CHECK(c.train.steps == 12);
  CHECK(c.train.lr == 1);
  CHECK(c.train.warmup == 1);  // a tenth of the steps, as it was not asked for
  const TempDir dir;
  ConfigSources s;
  s.file = dir.file("a.toml", "[train]\nsteps = 12\nbatch = 5\n");
  s.values = {{"train.steps", "30"}, {"train.steps", "40"}};
  CHECK(read_config(s).train.steps == 40);
  CHECK(read_config(s).train.batch == 5);
}

TEST_CASE("config: defaults follow the kind of the data, paths become absolute") {
  ConfigSources s;
  s.files = {{"text", "t.npy", ""}, {"image", "i.npz:x", "m.npy"}};
  const RunConfig c = read_config(s);
  CHECK(c.data.source == "files");
  CHECK(c.train.batch == feature_defaults().train.batch);
  CHECK(c.data.files[0].file == std::filesystem::absolute("t.npy").string());
  CHECK(c.data.files[1].mask == std::filesystem::absolute("m.npy").string());
  const RunConfig from_file =
      parse_config("[[data.modality]]\nname='a'\nfile='/a'\n[[data.modality]]\nname='b'\nfile='/b'\n", "x");
  CHECK(from_file.data.source == "files");
  CHECK(from_file.data.files.size() == 2);
}

TEST_CASE("config: unknown keys name the place and the nearest") {
  refuse("[train]\n  stesp = 3\n", "config.key", {"run.toml:2:3:", "'train.stesp'"}, "'train.steps'");
  refuse("[trian]\nsteps = 3\n", "config.key", {"run.toml:1:", "[trian]"}, "'[train]'");
  refuse("steps = 3\n", "config.key", {"run.toml:1:1:", "'steps'"}, "'train.steps'");
  refuse("train = 3\n", "config.key", {"run.toml:1:1:", "'train'"}, "[train]");
  refuse("[model]\nsteps = 3\n", "config.key", {"'model.steps'"}, "'train.steps'");
  refuse("[[data.modality]]\nname='a'\nfiel='b'\n", "config.key", {"run.toml:3:1:", "data.modality.fiel"},
         "name, file");
  CHECK(check_refused(
            [] {
              with({{"train.stpes", "3"}});
            },
            "config.key", {"'train.stpes'"}, Exit::usage)
            .hint.find("'train.steps'") != std::string::npos);
  CHECK(check_refused(
            [] {
              with({{"lr", "3"}});
            },
            "config.key", {"'lr'"}, Exit::usage)
            .hint.find("'train.lr'") != std::string::npos);
}

TEST_CASE("config: wrong types and values name the value and what is allowed") {
  refuse("[train]\nsteps = \"12\"\n", "config.value",
         {"run.toml:2:9:", "train.steps", "string", "a whole number from 1 to"});
  refuse("[train]\nsteps = 1.5\n", "config.value", {"floating-point", "a whole number"});
  refuse("[train]\nsteps = 0\n", "config.value", {"run.toml:2:9:", "'0'", "from 1 to 1000000000"});
  refuse("[train]\nsteps = [1]\n", "config.value", {"array"});
  refuse("[train]\nlr = nan\n", "config.value", {"'nan'", "a number from"});
  refuse("[train]\nlr = inf\n", "config.value", {"'inf'"});
  refuse("[train]\nlr = -1e-3\n", "config.value", {"'-0.001'"});
  refuse("[data]\ndrop_nonfinite = 1\n", "config.value", {"true or false"});
  refuse("[data]\nsplit = \"soft\"\n", "config.value", {"'soft'", "\"standard\" or \"hard\""});
  refuse("[data]\nsource = \"\"\n", "config.value", {"data.source"});
  refuse("[data]\nsource = \"emojis\"\n", "config.value", {"'emojis'", "emoji:FOLDER"});
  refuse("[data]\nmodality = 3\n", "config.value", {"data.modality"});
  for (const char* text : {"nan", "inf", "-inf", "", "1e400", "0x10", "12abc", "1,5", " 1", "+1", "1e-400"}) {
    CAPTURE(text);
    check_refused([&] { with({{"train.lr", text}}); }, "config.value", {"train.lr"}, Exit::usage);
    check_refused([&] { with({{"train.steps", text}}); }, "config.value", {"train.steps"}, Exit::usage);
  }
  check_refused(
      [] {
        with({{"train.steps", "99999999999999999999"}});
      },
      "config.value", {"99999999999999999999"}, Exit::usage);
  check_refused([] { with({{"train.batch", "1"}}); }, "config.value", {"train.batch", "at least 2"}, Exit::usage);
}

TEST_CASE("config: contradictions name both keys") {
  refuse("[model]\nbridge_start = 0.7\nbridge_end = 0.2\n", "config.contradiction",
         {"model.bridge_start = 0.7", "model.bridge_end = 0.2"});
  refuse("[train]\nsteps = 5\nwarmup = 6\n", "config.contradiction", {"train.warmup = 6", "train.steps = 5"});
  refuse("[data]\nsource = \"files\"\n", "config.contradiction", {"data.source", "data.modality"});
  refuse("[data]\nsource = \"emoji\"\n[[data.modality]]\nname='a'\nfile='b'\n", "config.contradiction",
         {"data.source", "data.modality"});
  refuse("[[data.modality]]\nname='a'\nfile='b'\n[[data.modality]]\nname='a'\nfile='c'\n", "config.contradiction",
         {"'a'", "twice"});
  refuse("[train]\noptimizer = \"sgd\"\nnesterov = true\nmomentum = 0.0\n", "optimizer.nesterov",
         {"nesterov = true", "momentum above 0"});
}

TEST_CASE("config: broken TOML is refused with its place") {
  refuse("[train]\nsteps = 3\nsteps = 4\n", "config.syntax", {"run.toml:3:", "steps"});
  refuse("[train]\nlr = \"abc", "config.syntax", {"run.toml:2:"});
  refuse("[train\n", "config.syntax", {"run.toml:1:"});
  refuse("[train]\nx = \"\xff\"\n", "config.syntax", {"run.toml:"});
  refuse(std::string(largest_config + 1, '#'), "config.syntax", {"run.toml", "65537 bytes"});
  std::string deep = "[a";
  while (deep.size() < largest_config - 4) deep += ".a";
  refuse("\n" + deep + "]\n", "config.syntax", {"run.toml:2", "dots"});
  refuse("x = " + std::string(30000, '['), "config.syntax", {"run.toml"});
  const TempDir dir;
  ConfigSources s;
  s.file = dir / "none.toml";
  check_refused([&] { read_config(s); }, "config.file", {"none.toml"}, Exit::usage);
}

TEST_CASE("config: differences ignore threads and places, and show the rest field by field") {
  RunConfig a = emoji_defaults();
  a.train.steps = 1500;
  RunConfig b = a;
  b.train.threads = 7;
  b.data.source = "emoji:/elsewhere";
  CHECK(differences(a, b).empty());
  b.train.steps = 1501;
  b.model.dropout = 0.5;
  REQUIRE(differences(a, b).size() == 2);
  CHECK(differences(a, b)[1] == "train.steps: 1500 -> 1501");
}

// The held-out figures, on a model that has learned nothing and on codes that are right by construction.
#include <cmath>
#include <nlohmann/json.hpp>

#include "app/encode_file.h"
#include "app/eval_text.h"
#include "app/evaluation.h"
#include "app/feature_source.h"
#include "tests/io_helpers.h"
#include "tests/test_eval_source.h"
#include "tests/thread_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::app;
using eval_test::toy_model;
using eval_test::ToySource;

const Probe& probe(const Evaluation& e, const std::string& code, const std::string& factor) {
  for (const Probe& p : e.probes)
    if (p.code == code && p.factor == factor) return p;
  FAIL("no such probe");
  return e.probes.front();
}

// Shared codes say which item it is, private ones which view.
Codes perfect(const ToySource& data, const Model& model) {
  Codes codes = all_codes(model, data);
  for (auto* blocks : {&codes.train, &codes.test})
    for (CodedBlock& b : *blocks)
      for (std::int64_t i = 0; i < b.shared_code.shape()[0]; ++i) {
        Rng item(static_cast<std::uint64_t>(b.item[static_cast<std::size_t>(i)])), noise(static_cast<std::uint64_t>(i));
        for (std::int64_t j = 0; j < 8; ++j) {
          b.shared_code.set(i * 8 + j, item.normal());
          b.private_code.set(i * 8 + j, 0.01 * noise.normal());
        }
        b.private_code.set(i * 8, b.factors[0].labels[0]);
      }
  return codes;
}

}  // namespace

TEST_CASE("evaluation: a model that has learned nothing finds no pairs") {
  const ToySource data;
  const Evaluation e = evaluate(all_codes(*toy_model(data), data));
  CHECK(e.train_items == 60);
  CHECK(e.test_items == 20);
  REQUIRE(e.recall.size() == 3);
  CHECK(e.chance[0] == doctest::Approx(0.05));
  CHECK(e.chance[2] == doctest::Approx(0.5));
  CHECK(e.recall[0] < 0.2);
  CHECK(std::abs(e.recall[2] - 0.5) < 0.2);
  CHECK(e.directions.size() == 2);
  CHECK(e.directions[0].recall[2] + e.directions[1].recall[2] == doctest::Approx(2 * e.recall[2]));
  CHECK(e.probes.size() == 8);
  const Probe& language = probe(e, "private.text", "language");
  CHECK(language.n == 60);
  CHECK(language.chance == doctest::Approx(1.0 / 3));
  CHECK(language.wanted == true);
  CHECK(probe(e, "shared.text", "language").wanted == false);
  CHECK(probe(e, "shared.image", "sign").wanted == true);
  CHECK(e.leakage.size() == 6);  // four probes, and what the other modality writes into each private code
  CHECK(e.ranks.size() == 4);
  CHECK(e.cka.size() == 6);
}

TEST_CASE("evaluation: codes that are right by construction get full marks") {
  const ToySource data;
  const Evaluation e = evaluate(perfect(data, *toy_model(data)));
  CHECK(e.recall[0] == 1);
  CHECK(e.tied == 0);
  CHECK(probe(e, "private.image", "style").value == 1);
  CHECK(probe(e, "private.text", "language").value == 1);
  CHECK(probe(e, "shared.text", "language").value < 0.5);
  REQUIRE(e.cka[0].value);
  CHECK(*e.cka[0].value == doctest::Approx(1));
  CHECK(std::abs(e.cka[2].value.value()) < 0.3);
}

TEST_CASE("evaluation: the same bits for any number of threads") {
  const test::KeepThreads keep;
  ToySource data;
  data.train = 800;  // x 3 views x 8 numbers: the probes are shared out
  data.test = 600;   // x 600 scores: retrieval too
  std::string text[2];
  for (const int n : {1, 2}) {
    set_threads(n);
    CHECK(test::threads_at(2, std::min(data.train * 3 * 8, data.test * data.test)) == static_cast<std::size_t>(n));
    text[n - 1] = evaluation_json(evaluate(all_codes(*toy_model(data), data)), "split").dump();
  }
  CHECK(text[0] == text[1]);
}

TEST_CASE("evaluation: the JSON contract") {
  const ToySource data;
  const auto j = evaluation_json(evaluate(all_codes(*toy_model(data), data)), "split_hard");
  CHECK(j["split"] == "split_hard");
  for (const char* k : {"1", "5", "10"}) {
    CHECK(j["recall"][k].is_number());
    CHECK(j["chance"][k].is_number());
  }
  for (const auto& p : j["probes"]) {
    for (const char* key : {"code", "factor", "metric", "value", "chance", "n"}) CHECK(p.contains(key));
    CHECK(p["metric"] == "accuracy");
  }
  for (const auto& c : j["cka"]) {
    for (const char* key : {"a", "b", "value"}) CHECK(c.contains(key));
  }
  CHECK(j["leakage"]["shared.image"].contains("style"));
  CHECK(j["leakage"]["private.text"].contains("sign"));
  CHECK(j["effective_rank"].size() == 4);
}

TEST_CASE("evaluation: the text has a table a block") {
  const ToySource data;
  const std::string text = evaluation_text(evaluate(all_codes(*toy_model(data), data)));
  for (const char* part : {"Retrieval among 20", "text -> image", "chance", "private.text", "Leakage", "CKA", "rank"})
    CHECK(text.find(part) != std::string::npos);
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) CHECK(end - at <= 120);
}

TEST_CASE("evaluation: without training items retrieval alone, without any an error") {
  ToySource data;
  data.train = 0;
  const auto model = toy_model(data);
  const Evaluation e = evaluate(all_codes(*model, data));
  CHECK(e.probes.empty());
  for (const Leak& l : e.leakage) CHECK(l.of == "other modalities");
  CHECK(e.recall.size() == 3);
  data.test = 0;
  io_test::check_refused([&] { evaluate(all_codes(*model, data)); }, "eval.items", {"holds out no items"});
}

TEST_CASE("evaluation: without labels, what the private code knows of the other's shared code") {
  ToySource data;
  data.labels = false;
  data.views = {{""}, {""}};
  const Evaluation e = evaluate(all_codes(*toy_model(data), data));
  CHECK(e.probes.empty());
  REQUIRE(e.leakage.size() == 4);
  CHECK(e.leakage[0].code == "private.text");
  CHECK(e.leakage[0].of == "shared.image");

  Codes codes = all_codes(*toy_model(data), data);
  for (auto* blocks : {&codes.train, &codes.test})
    for (CodedBlock& b : *blocks)
      for (std::int64_t i = 0; i < b.private_code.size(); ++i) b.private_code.set(i, 0.01 * b.private_code.at(i));
  const Evaluation small = evaluate(codes);
  for (std::size_t i = 0; i < 2; ++i)  // the unit of a code says nothing about what it knows
    CHECK(*small.leakage[i].value == doctest::Approx(*e.leakage[i].value).epsilon(1e-5));
}

TEST_CASE("evaluation: three modalities, every pair in both directions") {
  ToySource data;
  data.names = {"text", "image", "sound"};
  data.views.push_back({"a", "b"});
  const Evaluation e = evaluate(all_codes(*toy_model(data), data));
  CHECK(e.directions.size() == 6);
  CHECK(e.cka.size() == 15);
}

TEST_CASE("codes: all modalities are present, as in training, and what the others write into a private code is told") {
  const ToySource data;
  const auto shares = [&](bool soft) {
    ModelConfig config;
    config.scheme = {"typed-slots"};
    config.modalities = data.modalities();
    config.width = config.private_width = config.shared_width = 16;
    config.typed_slots.soft = soft;
    config.typed_slots.ban = 0.5;
    const auto model = make_model(config, DType::f32, 7);
    const auto blocks = data.blocks(true);
    const auto coded = encode(*model, blocks, true);
    // text.fr, the third view of three, is encoded beside the first of the two pictures.
    Tape tape(cpu_kernels());
    Context context(tape, model->parameters());
    context.begin(false);
    const Factors f = model->factors(context, {{blocks[2].values, blocks[3].values}, 1, {}});
    CHECK(same_bits(coded[2].private_code, f.private_codes[0].value()));
    CHECK(same_bits(coded[2].shared_code, f.shared_codes[0].value()));
    double moved = 0;  // by more than rounding: a product of other sizes may add up in another order
    for (std::int64_t i = 0; i < coded[2].private_code.size(); ++i)
      moved = std::max(moved, std::abs(coded[2].private_code.at(i) - coded[2].lone_private_code.at(i)));
    CHECK((moved > 1e-4) == soft);
    const Evaluation e = evaluate(all_codes(*model, data));
    std::vector<double> found;
    for (const Leak& l : e.leakage)
      if (l.of == "other modalities") found.push_back(*l.value);
    return found;
  };
  for (const double share : shares(false)) CHECK(share < 1e-10);
  const std::vector<double> leaked = shares(true);
  REQUIRE(leaked.size() == 2);
  CHECK(leaked[0] > 0.01);
  CHECK(leaked[1] > 0.01);
}

TEST_CASE("factors: a modality that a batch lacks has no codes, and the joint code is the other's") {
  const ToySource data;
  const auto model = toy_model(data);
  Tape tape(cpu_kernels());
  Context context(tape, model->parameters());
  context.begin(false);
  Batch batch;
  batch.modalities.resize(2);
  batch.modalities[1] = data.blocks(true)[3].values;
  const Factors f = model->factors(context, batch);
  CHECK_FALSE(f.shared_codes[0]);
  CHECK_FALSE(f.private_codes[0]);
  CHECK(same_bits(f.joint.value(), f.shared_codes[1].value()));
}

TEST_CASE("codes: pieces of a batch, with n-grams' offsets counted anew") {
  ModalitySpec spec;
  spec.kind = ModalityKind::ngrams;
  ModalityBatch all;
  const std::vector<std::int32_t> index = {5, 6, 7, 8, 9}, offset = {0, 2, 2, 5};
  all.values = Tensor::from({5}, index);
  all.offset = Tensor::from({4}, offset);
  const ModalityBatch part = rows(spec, all, 1, 3);
  CHECK(part.values.values() == std::vector<double>{7, 8, 9});
  CHECK(part.offset.values() == std::vector<double>{0, 0, 3});
}

TEST_CASE("encode: every item in its order, the same codes as the model gives") {
  const ToySource data;
  const auto model = toy_model(data);
  const io_test::TempDir dir;
  data::write_safetensors(dir / "z.safetensors", encode_file(*model, data));
  const data::Safetensors file = data::read_safetensors(dir / "z.safetensors");
  CHECK(file.metadata.at("data") == "toy");
  CHECK(file.metadata.at("joint") == "text.en, image.noto");
  std::map<std::string, std::vector<double>> values;
  for (const auto& [name, array] : file.tensors) values[name] = data::to_doubles(array);
  CHECK(values.size() == 13);
  for (const char* name : {"private.text.de", "shared.image.line", "joint"}) {
    CAPTURE(name);
    CHECK(values[name].size() == 80 * 8);
  }
  const auto& item = values["item"];
  REQUIRE(item.size() == 80);
  CHECK(std::is_sorted(item.begin(), item.end()));
  const auto coded = encode(*model, data.blocks(true));
  for (std::size_t row = 0, i = 0; row < item.size(); ++row) {
    if (values["held_out"][row] == 0) continue;
    CHECK(item[row] == coded[4].item[i]);
    for (std::int64_t j = 0; j < 8; ++j)
      CHECK(values["private.image.line"][row * 8 + static_cast<std::size_t>(j)] ==
            coded[4].private_code.at(static_cast<std::int64_t>(i) * 8 + j));
    ++i;
  }
}

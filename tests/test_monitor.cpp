// What is looked at while training goes on: the right rows, the right figures, and nothing that is not there.
#include "app/monitor.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "app/emoji_source.h"
#include "app/evaluation.h"
#include "metrics/cka.h"
#include "tests/io_helpers.h"
#include "tests/test_eval_source.h"
#include "tests/thread_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::app;
using eval_test::toy_model;
using eval_test::ToySource;
using Json = nlohmann::ordered_json;

Json look(const Model& model, const DataSource& data) {
  Json line = {{"step", 1}};
  Monitor(model, data).measure(line);
  return line;
}

}  // namespace

TEST_CASE("monitor: rows of all modalities are of one item, views in turn, evenly spaced") {
  const ToySource data;
  const MonitorSample sample = monitor_sample(data, true, 7);
  REQUIRE(sample.items == 7);
  const std::vector<Block> blocks = data.blocks(true);
  for (std::size_t j = 0; j < 7; ++j) {
    const std::size_t row = j * 20 / 7;
    for (const std::size_t m : {0, 1}) {
      const Block& view = blocks[m == 0 ? j % 3 : 3 + j % 2];
      const auto width = view.values.values.shape()[2];
      for (std::int64_t k = 0; k < width; ++k)
        CHECK(sample.batch.modalities[m].values.at(static_cast<std::int64_t>(j) * width + k) ==
              view.values.values.at(static_cast<std::int64_t>(row) * width + k));
      for (const std::size_t f : {0, 1}) CHECK(sample.factors[m][f].labels[j] == view.factors[f].labels[row]);
    }
  }
  CHECK(monitor_sample(data, false, 1000).items == 60);
}

TEST_CASE("monitor: n-grams keep the words of their item") {
  DataConfig config;
  config.buckets = 512;
  const EmojiSource data(config);
  const MonitorSample sample = monitor_sample(data, true, 12);
  const std::vector<Block> blocks = data.blocks(true);
  const ModalityBatch& text = sample.batch.modalities[0];
  const auto* offset = text.offset.data<std::int32_t>();
  for (std::size_t j = 0; j < 12; ++j) {
    const Block& view = blocks[j % 10];
    const std::size_t row = j * view.item.size() / 12;
    const auto* from = view.values.offset.data<std::int32_t>() + row;
    REQUIRE(offset[j + 1] - offset[j] == from[1] - from[0]);
    for (std::int32_t k = 0; k < from[1] - from[0]; ++k)
      CHECK(text.values.data<std::int32_t>()[offset[j] + k] == view.values.values.data<std::int32_t>()[from[0] + k]);
    CHECK(sample.factors[0][0].labels[j] == static_cast<std::int32_t>(j % 10));
  }
}

TEST_CASE("monitor: the figures of a line") {
  const ToySource data;
  const Json line = look(*toy_model(data), data);
  for (const char* key : {"cka/self", "cka/cross", "cka/shared", "cka/private", "cka/private_shared",
                          "leakage/private.text", "leakage/shared.image", "holds/private.text", "holds/shared.image",
                          "recall_at_1", "rank/private.text", "rank/shared.image"}) {
    CAPTURE(key);
    REQUIRE(line.contains(key));
    CHECK(line[key].is_number());
  }
  CHECK(line["leakage/shared.text"].get<double>() >= 0);
  CHECK(line["leakage/shared.text"].get<double>() <= 1);
  CHECK(line["holds/private.text"].get<double>() > 0.5);  // untrained linear maps keep the view, which is a large shift
  CHECK(line["monitor"]["items"] == 20);
  CHECK(line["monitor"]["probes"]["private.text"]["language"] == line["holds/private.text"]);
  CHECK(line["monitor"]["cka"].size() == 12);  // 2 private-shared, 4 private-input, 4 shared-input, 2 across
  CHECK_FALSE(line.contains("leakage/attention"));
  CHECK_FALSE(line.contains("leakage/routing"));
}

TEST_CASE("monitor: without labels, what a private code knows of the other's shared code") {
  ToySource data;
  data.labels = false;
  const Json line = look(*toy_model(data), data);
  CHECK(line["leakage/private.text"].is_number());
  CHECK_FALSE(line.contains("leakage/shared.text"));
  CHECK_FALSE(line.contains("holds/private.text"));
}

TEST_CASE("monitor: attention and routing on what is foreign, where masks are soft") {
  const ToySource data;
  const auto with = [&](const char* scheme, bool soft) {
    ModelConfig config;
    config.scheme = {scheme};
    config.modalities = data.modalities();
    config.width = config.private_width = config.shared_width = 16;
    config.typed_slots.soft = soft;
    config.typed_slots.ban = 0.5;
    config.moe.experts.foreign_penalty = soft ? 0.5 : 0;
    return look(*make_model(config, DType::f32, 7), data);
  };
  CHECK_FALSE(with("typed-slots", false).contains("leakage/attention"));
  const Json slots = with("typed-slots", true);
  CHECK(slots["leakage/attention"].get<double>() > 0.1);
  CHECK(slots["monitor"]["attention"][0]["heads"][0]["chance"].get<double>() > 0);
  CHECK(with("modality-moe", false)["leakage/routing"] == 0);
  CHECK(with("modality-moe", true)["leakage/routing"].get<double>() > 0.1);
}

TEST_CASE("monitor: a constant code has null figures, few items none at all") {
  const ToySource data;
  const auto model = toy_model(data);
  for (Parameter& p : model->parameters())
    for (std::int64_t i = 0; i < p.value.size(); ++i) p.value.set(i, 0);
  const Json line = look(*model, data);
  for (const char* key : {"cka/self", "cka/shared", "rank/private.text"}) {
    CAPTURE(key);
    CHECK(line[key].is_null());
  }
  CHECK(line["leakage/private.text"] == 0);
  CHECK(line.dump().find("nan") == std::string::npos);
  ToySource few;
  few.test = 3;
  CHECK(look(*toy_model(few), few).size() == 1);
}

// A small DataSource with known factors: items have a latent vector, every view of a modality shows it through a fixed
// random map and shifts it. The view is the private factor, the sign of the first latent the shared one.
#pragma once

#include <string>
#include <vector>

#include "app/data_source.h"
#include "core/rng.h"
#include "models/model.h"

namespace triptych::eval_test {

class ToySource : public app::DataSource {
 public:
  std::int64_t train = 60, test = 20;
  std::vector<std::string> names{"text", "image"};
  std::vector<std::vector<std::string>> views{{"en", "de", "fr"}, {"noto", "line"}};
  bool labels = true;

  std::vector<ModalitySpec> modalities() const override {
    std::vector<ModalitySpec> all;
    for (const std::string& name : names) {
      ModalitySpec m;
      m.name = name;
      m.tokens = 1;
      m.width = width;
      all.push_back(m);
    }
    return all;
  }
  std::int64_t train_items() const override { return train; }
  std::int64_t test_items() const override { return test; }
  void train_batch(std::uint64_t, std::int64_t, std::int64_t, Batch&) override {}
  std::vector<app::Block> blocks(bool held_out) const override {
    std::vector<app::Block> all;
    for (std::size_t m = 0; m < names.size(); ++m)
      for (std::size_t v = 0; v < views[m].size(); ++v) all.push_back(block(m, v, held_out));
    return all;
  }
  std::string fingerprint() const override { return "toy"; }
  std::string description() const override { return "a toy"; }

 private:
  static constexpr std::int64_t width = 12, latent = 4;

  // Training items are the odd numbers first, so that the order of items is not that of the file.
  std::int32_t number(bool held_out, std::int64_t i) const {
    return static_cast<std::int32_t>(held_out ? 2 * i : i < test ? 2 * i + 1 : test + i);
  }
  app::Block block(std::size_t m, std::size_t v, bool held_out) const {
    const std::int64_t n = held_out ? test : train;
    app::Block b;
    b.modality = m;
    b.view = views[m][v];
    app::Factor view{m == 0 ? "language" : "style", views[m], {}, app::Factor::Holder::own},
        sign{"sign", {"-", "+"}, {}};
    Rng map(100 + m), shift(200 + 10 * m + v);
    std::vector<double> a, s;
    for (std::int64_t i = 0; i < width * latent; ++i) a.push_back(map.normal());
    for (std::int64_t i = 0; i < width; ++i) s.push_back(2 * shift.normal());
    b.values.values = Tensor({n, 1, width}, DType::f32);
    for (std::int64_t i = 0; i < n; ++i) {
      b.item.push_back(number(held_out, i));
      Rng of_item(1000 + static_cast<std::uint64_t>(b.item.back()));
      std::vector<double> z;
      for (std::int64_t k = 0; k < latent; ++k) z.push_back(of_item.normal());
      for (std::int64_t j = 0; j < width; ++j) {
        double x = s[static_cast<std::size_t>(j)];
        for (std::int64_t k = 0; k < latent; ++k)
          x += a[static_cast<std::size_t>(j * latent + k)] * z[static_cast<std::size_t>(k)];
        b.values.values.set(i * width + j, x);
      }
      view.labels.push_back(static_cast<std::int32_t>(v));
      sign.labels.push_back(z[0] > 0);
    }
    if (labels) b.factors = {view, sign};
    return b;
  }
};

inline std::unique_ptr<Model> toy_model(const ToySource& data) {
  ModelConfig config;
  config.modalities = data.modalities();
  config.width = 16;
  config.private_width = config.shared_width = 8;
  return make_model(config, DType::f32, 7);
}

}  // namespace triptych::eval_test

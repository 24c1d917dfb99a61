// The encoder of pictures on input that no data source of ours makes.
#include <cmath>
#include <limits>

#include "core/error.h"
#include "models/encoders/image.h"

using namespace triptych;

namespace {

struct Codes {
  Tensor h, surface;
};
Codes encode(const Tensor& picture, bool map) {
  ModalitySpec spec;
  spec.kind = ModalityKind::image;
  spec.height = picture.shape()[1];
  spec.breadth = picture.shape()[2];
  spec.channels = 3;
  Parameters parameters;
  const ImageEncoder encoder(Init(parameters, picture.dtype(), 1), "image", spec, 16, map);
  Tape tape(cpu_kernels());
  Context context(tape, parameters);
  context.begin(false);
  const Var x = tape.constant(picture);
  const Encoded e = encoder(context, x, tape.constant(ImageEncoder::surface_of(x)), 0);
  return {e.h.x.value(), e.surface.x.value()};
}
Tensor surface(const Tensor& picture) { return encode(picture, false).surface; }

}  // namespace

TEST_CASE("image encoder: colours outside [0,1] count as the nearest inside, NaN as 0") {
  const auto filled = [](double v) { return Tensor::full({1, 8, 8, 3}, DType::f32, v); };
  const Tensor black = surface(filled(0)), white = surface(filled(1));
  CHECK_FALSE(same_bits(black, white));
  for (const double low : {-0.5, -1e30, -std::numeric_limits<double>::infinity(), std::nan("")})
    CHECK(same_bits(surface(filled(low)), black));
  for (const double high : {1.001, 255.0, 1e30, std::numeric_limits<double>::infinity()})
    CHECK(same_bits(surface(filled(high)), white));
}

TEST_CASE("image encoder: pictures without three channels are refused by name") {
  CHECK_THROWS_WITH_AS(surface(Tensor::full({1, 8, 8, 1}, DType::f32, 0)),
                       "[image_encoder] picture (1, 8, 8, 1) must be (B, H, W, 3)", Error);
  ModelConfig config;
  ModalitySpec spec;
  spec.name = "scan";
  spec.kind = ModalityKind::image;
  spec.height = spec.breadth = 8;
  spec.channels = 4;
  config.modalities = {spec};
  CHECK_THROWS_WITH_AS(make_model(config, DType::f32, 1), "modality 'scan': pictures of 4 channels must have 3", Error);
}

TEST_CASE("image encoder: a map has a token for every eighth pixel, a mean one for all") {
  Tensor picture = Tensor::full({1, 16, 32, 3}, DType::f64, 0);
  CHECK(encode(picture, false).h.shape() == Shape{1, 1, 16});
  const Tensor before = encode(picture, true).h;
  CHECK(before.shape() == Shape{1, 8, 16});
  picture.set(0, 1);  // the top left corner: far from the last position
  const Tensor after = encode(picture, true).h;
  const auto moved = [&](std::int64_t token) {
    double most = 0;
    for (std::int64_t j = 0; j < 16; ++j)
      most = std::max(most, std::abs(after.at(16 * token + j) - before.at(16 * token + j)));
    return most;
  };
  CHECK(moved(0) > 1e-6);
  CHECK(moved(7) == 0);
}

// Warped pictures and the batches made of them.
#include "data/augment.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "backends/backend.h"
#include "core/error.h"
#include "core/rng.h"
#include "data/emoji_batches.h"
#include "data/ngrams.h"

namespace {

using namespace triptych;
using namespace triptych::data;

using Ink = std::vector<float>;

std::vector<std::uint8_t> noise_picture(std::uint64_t seed) {
  std::vector<std::uint8_t> picture(emoji_bytes);
  Rng rng(seed);
  for (auto& x : picture) x = static_cast<std::uint8_t>(rng.bits());
  return picture;
}

Ink warped(Picture picture, const Warp& by) {
  Ink out(emoji_bytes);
  warp(picture, by, out.data());
  return out;
}
Ink plain(Picture picture) {
  Ink out(emoji_bytes);
  to_ink(picture, out.data());
  return out;
}
float at(const Ink& ink, int i, int j, int channel) {
  return i < 0 || j < 0 || i > 31 || j > 31 ? 0.0f : ink[static_cast<std::size_t>((i * 32 + j) * 3 + channel)];
}

// result(i, j) == source(row(i, j), column(i, j)), 0 outside.
template <class F>
void check_moved(const Ink& result, const Ink& source, F&& from) {
  int wrong = 0;
  for (int i = 0; i < 32; ++i) {
    for (int j = 0; j < 32; ++j) {
      const auto [row, column] = from(i, j);
      for (int c = 0; c < 3; ++c) wrong += at(result, i, j, c) != at(source, row, column, c);
    }
  }
  CHECK(wrong == 0);
}

// The header's formula, in double, one pixel at a time.
double sampled(const Ink& ink, const Warp& w, int i, int j, int channel) {
  const double u = (2 * j + 1) / 32.0 - 1, v = (2 * i + 1) / 32.0 - 1, flip = w.flip ? -1 : 1;
  const double x = w.scale * (flip * std::cos(w.angle) * u - std::sin(w.angle) * v) + w.shift_x;
  const double y = w.scale * (flip * std::sin(w.angle) * u + std::cos(w.angle) * v) + w.shift_y;
  const double column = ((x + 1) * 32 - 1) / 2, row = ((y + 1) * 32 - 1) / 2;
  const double c0 = std::floor(column), r0 = std::floor(row), fc = column - c0, fr = row - r0;
  const auto pixel = [&](double r, double c) {
    return static_cast<double>(at(ink, static_cast<int>(r), static_cast<int>(c), channel));
  };
  const double value = (1 - fr) * ((1 - fc) * pixel(r0, c0) + fc * pixel(r0, c0 + 1)) +
                       fr * ((1 - fc) * pixel(r0 + 1, c0) + fc * pixel(r0 + 1, c0 + 1));
  return 1 - std::min(1.0, w.colour[static_cast<std::size_t>(channel)] * (1 - value));
}

struct Emoji {
  EmojiPairs pairs = load_emoji();
  EmojiGrams grams{pairs, 1 << 15};
  EmojiSampler sampler(std::uint64_t seed, const EmojiSampling& settings) const {
    return {pairs, grams, pairs.training(EmojiSplit::standard), seed, settings};
  }
};
const Emoji& emoji() {
  static const Emoji e;
  return e;
}

void check_same(const EmojiBatch& a, const EmojiBatch& b) {
  CHECK(a.concepts == b.concepts);
  CHECK(a.style == b.style);
  CHECK(a.language == b.language);
  CHECK(same_bits(a.images, b.images));
  CHECK(same_bits(a.index, b.index));
  CHECK(same_bits(a.offset, b.offset));
}

}  // namespace

TEST_CASE("augment: ink, identity, flip and whole shifts are exact") {
  const auto picture = noise_picture(1);
  const Ink ink = plain(picture.data());
  CHECK(ink[0] == 1.0f - static_cast<float>(picture[0]) / 255.0f);
  CHECK(warped(picture.data(), {}) == ink);
  const std::vector<std::uint8_t> white(emoji_bytes, 255), black(emoji_bytes, 0);
  CHECK(plain(white.data()) == Ink(emoji_bytes, 0.0f));
  CHECK(plain(black.data()) == Ink(emoji_bytes, 1.0f));

  check_moved(warped(picture.data(), {.flip = true}), ink, [](int i, int j) { return std::pair(i, 31 - j); });
  check_moved(warped(picture.data(), {.shift_x = 2 / 16.0f}), ink, [](int i, int j) { return std::pair(i, j + 2); });
  check_moved(warped(picture.data(), {.shift_y = -3 / 16.0f}), ink, [](int i, int j) { return std::pair(i - 3, j); });
  check_moved(warped(picture.data(), {.shift_x = 40}), ink, [](int, int) { return std::pair(-1, -1); });
}

TEST_CASE("augment: any warp follows the formula") {
  const auto picture = noise_picture(2);
  const Ink ink = plain(picture.data());
  double worst = 0;
  for (int k = 0; k < 20; ++k) {
    Warp w = draw_warp({}, 5, 0, k);
    if (k % 3 == 0) w.angle = static_cast<float>(k);  // far beyond the defaults
    const Ink got = warped(picture.data(), w);
    for (int i = 0; i < 32; ++i) {
      for (int j = 0; j < 32; ++j) {
        for (int c = 0; c < 3; ++c) worst = std::max(worst, std::abs(sampled(ink, w, i, j, c) - at(got, i, j, c)));
      }
    }
    CHECK(*std::min_element(got.begin(), got.end()) >= 0.0f);
    CHECK(*std::max_element(got.begin(), got.end()) <= 1.0f);
  }
  CHECK(worst < 1e-5);
}

TEST_CASE("augment: draws stay in their ranges and fill them") {
  const Augmentation s;
  int flips = 0;
  float low = 9, high = -9, left = 9, right = -9;
  std::set<float> scales;
  for (int k = 0; k < 2000; ++k) {
    const Warp w = draw_warp(s, 1, k / 100, k % 100);
    scales.insert(w.scale);
    flips += w.flip;
    low = std::min(low, w.scale), high = std::max(high, w.scale);
    left = std::min(left, w.shift_x), right = std::max(right, w.shift_x);
    CHECK(std::abs(w.angle) <= s.rotation);
    CHECK(std::abs(w.shift_y) <= s.shift);
    for (const float c : w.colour) CHECK((c >= s.colour_low && c <= s.colour_high));
  }
  CHECK(scales.size() > 1900);  // steps and indices draw apart
  CHECK((flips > 900 && flips < 1100));
  CHECK((low >= 0.85f && low < 0.86f && high <= 1.15f && high > 1.14f));
  CHECK((left >= -0.12f && left < -0.115f && right <= 0.12f && right > 0.115f));
}

TEST_CASE("augment: the same bits for any number of threads, other ones for another seed or step") {
  std::vector<std::vector<std::uint8_t>> store;
  std::vector<Picture> pictures;
  for (std::uint64_t k = 0; k < 33; ++k) store.push_back(noise_picture(k));
  for (const auto& picture : store) pictures.push_back(picture.data());
  const auto run = [&](int n, std::uint64_t seed, std::int64_t step) {
    const int before = threads();
    set_threads(n);
    Ink out(pictures.size() * emoji_bytes);
    augment(pictures, {}, seed, step, out.data());
    set_threads(before);
    return out;
  };
  const Ink one = run(1, 7, 3);
  CHECK(run(2, 7, 3) == one);
  CHECK(run(3, 7, 3) == one);
  CHECK(run(1, 8, 3) != one);
  CHECK(run(1, 7, 4) != one);
}

TEST_CASE("emoji batches: two views are of one concept in different styles and languages") {
  const EmojiSampling settings{.batch = 64, .views = 2};
  EmojiSampler sampler = emoji().sampler(1, settings);
  const EmojiBatch b = sampler.sample(0);
  CHECK(b.images.shape() == triptych::Shape{128, 32, 32, 3});
  CHECK(b.offset.shape() == triptych::Shape{129});
  CHECK(std::set(b.concepts.begin(), b.concepts.end()).size() == 64);
  REQUIRE(b.style.size() == 128);
  REQUIRE(b.language.size() == 128);
  for (std::size_t i = 0; i < 64; ++i) {
    CHECK(b.style[i] != b.style[64 + i]);
    CHECK(b.language[i] != b.language[64 + i]);
    CHECK(emoji().pairs.concepts[static_cast<std::size_t>(b.concepts[i])].train[0]);
  }
  CHECK(std::set(b.style.begin(), b.style.end()).size() == 3);
  CHECK(std::set(b.language.begin(), b.language.end()).size() == 10);

  // Row 70 is view 1 of concept 6: its picture and its phrases can be made again from the labels.
  const auto c = static_cast<std::size_t>(b.concepts[6]);
  const Warp w = draw_warp(settings.augmentation, 1, 0, 70);
  const Ink picture = warped(emoji().pairs.picture(static_cast<std::size_t>(b.style[70]), c), w);
  CHECK(std::equal(picture.begin(), picture.end(), b.images.data<float>() + 70 * emoji_bytes));
  const auto* index = b.index.data<std::int32_t>();
  const std::vector<std::int32_t> bag(index + b.offset.data<std::int32_t>()[70],
                                      index + b.offset.data<std::int32_t>()[71]);
  std::size_t done = 0;  // the bag is a subsequence of the text's phrases
  const auto language = static_cast<std::size_t>(b.language[70]);
  for (std::size_t p = 0; p < emoji().grams.phrases(language, c); ++p) {
    const auto phrase = emoji().grams.phrase(language, c, p);
    if (done + phrase.size() <= bag.size() &&
        std::equal(phrase.begin(), phrase.end(), bag.begin() + static_cast<long>(done)))
      done += phrase.size();
  }
  CHECK(!bag.empty());
  CHECK(done == bag.size());
}

TEST_CASE("emoji batches: a function of seed and step, whatever came before") {
  const EmojiSampling settings{.batch = 50, .views = 2};
  EmojiSampler walked = emoji().sampler(3, settings), jumped = emoji().sampler(3, settings);
  CHECK(walked.steps_per_epoch() == 19);
  std::set<std::int32_t> seen;
  for (int step = 0; step < 19; ++step) {
    const auto b = walked.sample(step);
    seen.insert(b.concepts.begin(), b.concepts.end());
  }
  CHECK(seen.size() == 950);  // without replacement within an epoch
  const EmojiBatch next = walked.sample(19);
  check_same(next, jumped.sample(19));
  check_same(walked.sample(2), jumped.sample(2));
  CHECK(next.concepts != walked.sample(0).concepts);
  CHECK(next.concepts != emoji().sampler(4, settings).sample(19).concepts);
}

TEST_CASE("emoji batches: keyword dropout keeps the share asked for, and at least the name") {
  EmojiSampling settings{.batch = 200, .keep_phrase = 0};
  const auto grams_in = [&](double keep) {
    settings.keep_phrase = keep;
    return emoji().sampler(5, settings).sample(0);
  };
  const EmojiBatch none = grams_in(0), all = grams_in(1), some = grams_in(0.7);
  for (std::size_t i = 0; i < 200; ++i) {
    const auto name =
        emoji().grams.phrase(static_cast<std::size_t>(none.language[i]), static_cast<std::size_t>(none.concepts[i]), 0);
    const auto* offset = none.offset.data<std::int32_t>() + i;
    REQUIRE(offset[1] - offset[0] == static_cast<std::int32_t>(name.size()));
    CHECK(std::equal(name.begin(), name.end(), none.index.data<std::int32_t>() + offset[0]));
  }
  const double share = static_cast<double>(some.index.size()) / static_cast<double>(all.index.size());
  CHECK((share > 0.6 && share < 0.8));
}

TEST_CASE("emoji batches: evaluation changes nothing and leaves nothing out") {
  const std::vector<std::int32_t> concepts{5, 3, 1200};
  const EmojiBatch pictures = all_pictures(emoji().pairs, 1, concepts);
  const Ink second = plain(emoji().pairs.picture(1, 3));
  CHECK(pictures.images.shape() == triptych::Shape{3, 32, 32, 3});
  CHECK(std::equal(second.begin(), second.end(), pictures.images.data<float>() + emoji_bytes));
  CHECK(pictures.style == std::vector<std::int32_t>{1, 1, 1});
  CHECK(!pictures.index);

  const EmojiBatch texts = all_texts(emoji().grams, 8, concepts);
  std::vector<std::int32_t> expected;
  for (const auto c : concepts) {
    const EmojiText& text = emoji().pairs.texts[8][static_cast<std::size_t>(c)];
    append_ngrams(text.name, 1 << 15, expected);
    for (const auto& keyword : text.keywords) append_ngrams(keyword, 1 << 15, expected);
  }
  CHECK(texts.offset.at(3) == static_cast<double>(expected.size()));
  CHECK(std::equal(expected.begin(), expected.end(), texts.index.data<std::int32_t>()));
  CHECK(!texts.images);
}

TEST_CASE("emoji batches: impossible settings are refused") {
  CHECK_THROWS_WITH_AS(emoji().sampler(0, {.batch = 978}),
                       "a batch of 978 different concepts, expected 1 to 977, the concepts there are for training",
                       Error);
  CHECK_THROWS_AS(emoji().sampler(0, {.batch = 0}), Error);
  CHECK_THROWS_AS(emoji().sampler(0, {.batch = 8, .views = 3}), Error);
}

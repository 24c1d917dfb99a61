// Where batches come from: the user's files, checked, and the emoji pairs.
#include <numeric>
#include <set>

#include "app/emoji_source.h"
#include "app/feature_source.h"
#include "data/npy.h"
#include "data/npz.h"
#include "data/safetensors.h"
#include "tests/io_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::app;
using data::make_array;
using io_test::check_refused;
using io_test::TempDir;

// Row r of a modality holds r * 100 + column.
std::vector<float> numbered(std::int64_t rows, std::int64_t columns) {
  std::vector<float> v;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) v.push_back(static_cast<float>(100 * r + c));
  return v;
}

struct Files {
  TempDir dir;
  DataConfig config;
  Files() {
    config.source = "files";
    put("a.npy", 23, 3);
    put("b.npy", 23, 2, 4);
    config.files = {{"text", dir / "a.npy", ""}, {"image", dir / "b.npy", ""}};
  }
  void put(const std::string& name, std::int64_t rows, std::int64_t width, std::int64_t tokens = 0) const {
    const data::Shape shape = tokens > 0 ? data::Shape{rows, tokens, width} : data::Shape{rows, width};
    data::write_npy(dir / name, make_array(shape, numbered(rows, width * std::max<std::int64_t>(tokens, 1))));
  }
  Error refused(std::string_view code, std::initializer_list<std::string_view> parts) const {
    return check_refused([&] { FeatureSource{config}; }, code, parts);
  }
};

std::vector<std::int64_t> rows_of(const Tensor& t) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < t.shape()[0]; ++i)
    rows.push_back(static_cast<std::int64_t>(t.at(i * t.size() / t.shape()[0])) / 100);
  return rows;
}

}  // namespace

TEST_CASE("feature source: rows stay together, every fifth is held out, batches are functions of (seed, step)") {
  const Files f;
  FeatureSource s(f.config);
  CHECK(s.train_items() == 19);
  CHECK(s.test_items() == 4);
  REQUIRE(s.modalities().size() == 2);
  CHECK(s.modalities()[1].tokens == 4);
  CHECK(s.modalities()[1].width == 2);
  const auto train = s.blocks(false), test = s.blocks(true);
  std::set<std::int32_t> all(train[0].item.begin(), train[0].item.end());
  all.insert(test[0].item.begin(), test[0].item.end());
  CHECK(all.size() == 23);
  CHECK(test[1].values.values.shape() == Shape{4, 4, 2});
  CHECK(rows_of(test[1].values.values) == std::vector<std::int64_t>(test[1].item.begin(), test[1].item.end()));

  Batch a, b;
  std::vector<std::vector<std::int64_t>> seen;
  for (std::int64_t step = 0; step < 4; ++step) {
    s.train_batch(7, step, 6, a);
    CHECK(a.modalities[0].values.shape() == Shape{6, 1, 3});
    seen.push_back(rows_of(a.modalities[0].values));
    CHECK(rows_of(a.modalities[1].values) == seen.back());
  }
  std::set<std::int64_t> epoch;
  for (int i = 0; i < 3; ++i)
    epoch.insert(seen[static_cast<std::size_t>(i)].begin(), seen[static_cast<std::size_t>(i)].end());
  CHECK(epoch.size() == 18);
  FeatureSource again(f.config);
  for (const std::int64_t step : {3, 0, 2}) {
    again.train_batch(7, step, 6, b);
    CHECK(rows_of(b.modalities[0].values) == seen[static_cast<std::size_t>(step)]);
  }
  again.train_batch(8, 0, 6, b);
  CHECK(rows_of(b.modalities[0].values) != seen[0]);
  CHECK(again.fingerprint() == s.fingerprint());
  f.put("a.npy", 23, 4);
  CHECK(FeatureSource(f.config).fingerprint() != s.fingerprint());
}

TEST_CASE("feature source: a row may lack a modality, but not all of them") {
  Files f;
  data::write_npy(f.dir / "x.npy", make_array({5, 3, 1}, numbered(5, 3)));
  data::write_npy(f.dir / "a.npy", make_array({5}, std::vector<std::int64_t>{1, 0, 3, 0, 2}));
  data::write_npy(f.dir / "b.npy", make_array({5}, std::vector<std::int64_t>{0, 3, 3, 1, 2}));
  f.config.files = {{"text", f.dir / "x.npy", f.dir / "a.npy"}, {"image", f.dir / "x.npy", f.dir / "b.npy"}};
  FeatureSource s(f.config);
  Batch batch;
  s.train_batch(1, 0, 4, batch);
  CHECK(batch.modalities[0].mask.shape() == Shape{4, 3});
  data::write_npy(f.dir / "b.npy", make_array({5}, std::vector<std::int64_t>{0, 0, 3, 0, 2}));
  f.refused("features.nothing", {"rows 1, 3", "2 without a real token in any modality"});
}

TEST_CASE("feature source: members of archives, masks and lengths") {
  Files f;
  const data::Array a = make_array({5, 2}, numbered(5, 2)), b = make_array({5, 3, 1}, numbered(5, 3));
  data::write_npz(f.dir / "x.npz", {{"a", a}, {"b", b}});
  data::write_safetensors(f.dir / "x.safetensors", {{}, {{"b", b}}});
  data::write_npy(f.dir / "len.npy", make_array({5}, std::vector<std::int64_t>{1, 2, 3, 1, 2}));
  f.config.files = {{"text", f.dir / "x.npz:a", ""}, {"image", f.dir / "x.safetensors", f.dir / "len.npy"}};
  FeatureSource s(f.config);
  Batch batch;
  s.train_batch(1, 0, 4, batch);
  CHECK_FALSE(batch.modalities[0].mask);
  REQUIRE(batch.modalities[1].mask.shape() == Shape{4, 3});
  const auto rows = rows_of(batch.modalities[1].values);
  for (std::size_t i = 0; i < 4; ++i) {
    double real = 0;
    for (std::int64_t t = 0; t < 3; ++t) real += batch.modalities[1].mask.at(static_cast<std::int64_t>(i) * 3 + t);
    CHECK(real == std::vector<double>{1, 2, 3, 1, 2}[static_cast<std::size_t>(rows[i])]);
  }
  f.config.files[0].file = f.dir / "x.npz";
  f.refused("features.member", {"x.npz", "2 arrays", "a (5, 2)"});
  f.config.files[0].file = f.dir / "x.npz:c";
  f.refused("npz.absent", {"'c'"});
  f.config.files[0].file = f.dir / "x.safetensors:bb";
  CHECK(f.refused("features.member", {"'bb'", "b (5, 3, 1)"}).hint.find("'b'") != std::string::npos);
  f.config.files[0].file = f.dir / "x.npz:a";
  for (const auto& [values, shape, part] : std::vector<std::tuple<std::vector<std::int64_t>, data::Shape, std::string>>{
           {{1, 2, 4, 1, 2}, {5}, "row 2: length 4"},
           {{1, -2, 3, 1, 2}, {5}, "row 1: length -2"},
           {{1, 1}, {2}, "(2,)"},
           {{1, 0, 0, 1, 2, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1}, {5, 3}, "row 1: 2"}}) {
    data::write_npy(f.dir / "len.npy", make_array(shape, values));
    f.refused("features.mask", {"len.npy", part});
  }
}

TEST_CASE("feature source: what cannot be trained on is refused with file, place and both values") {
  Files f;
  f.put("b.npy", 22, 2, 4);
  f.refused("features.rows", {"a.npy", "(23, 3)", "b.npy", "(22, 4, 2)"});
  f.put("b.npy", 23, 2, 4);
  std::vector<float> bad = numbered(23, 3);
  bad[3 * 4] = std::numeric_limits<float>::quiet_NaN();
  bad[3 * 9 + 1] = std::numeric_limits<float>::infinity();
  data::write_npy(f.dir / "a.npy", make_array({23, 3}, bad));
  CHECK(f.refused("array.non-finite", {"a.npy", "4", "9"}).hint.find("--drop-nonfinite") != std::string::npos);
  f.config.drop_nonfinite = true;
  const FeatureSource s(f.config);
  CHECK(s.train_items() + s.test_items() == 21);
  for (const bool held_out : {false, true}) {
    const auto blocks = s.blocks(held_out);
    CHECK(rows_of(blocks[0].values.values) == rows_of(blocks[1].values.values));
    for (const std::int64_t r : rows_of(blocks[1].values.values)) CHECK((r != 4 && r != 9));
  }
  data::write_npy(f.dir / "a.npy",
                  make_array({23, 3}, std::vector<float>(69, std::numeric_limits<float>::quiet_NaN())));
  f.refused("features.few", {"0 usable rows", "23 hold NaN"});
  data::write_npy(f.dir / "a.npy", make_array({23}, std::vector<float>(23, 1)));
  f.refused("array.rank", {"a.npy"});
}

TEST_CASE("feature source: labels go with their rows") {
  Files f;
  std::vector<std::int64_t> classes(23);
  for (std::size_t r = 0; r < 23; ++r) classes[r] = static_cast<std::int64_t>(r * r % 7);
  const auto label = [&](const data::Array& a) {
    data::write_npy(f.dir / "y.npy", a);
    f.config.labels = f.dir / "y.npy";
  };
  label(make_array({23}, classes));
  std::vector<float> bad = numbered(23, 3);
  bad[3 * 4] = std::numeric_limits<float>::quiet_NaN();
  data::write_npy(f.dir / "a.npy", make_array({23, 3}, bad));
  f.config.drop_nonfinite = true;
  FeatureSource s(f.config);
  CHECK(s.label_outputs() == 5);  // 0, 1, 2, 4
  Batch b;
  s.train_batch(1, 0, 8, b);
  const auto rows = rows_of(b.modalities[1].values);
  for (std::size_t i = 0; i < 8; ++i)
    CHECK(b.labels.at(static_cast<std::int64_t>(i)) == static_cast<double>(rows[i] * rows[i] % 7));
  const Factor held = s.blocks(true)[0].factors.at(0);
  CHECK(held.name == "label");
  CHECK(held.labels.size() == static_cast<std::size_t>(s.test_items()));
  const std::string fingerprint = s.fingerprint();

  label(make_array({23, 2}, numbered(23, 2)));
  const FeatureSource real(f.config);
  CHECK(real.label_outputs() == 2);
  CHECK(real.fingerprint() != fingerprint);
  CHECK(real.blocks(true)[1].factors[0].values.shape() == Shape{real.test_items(), 2});
  label(make_array({22}, std::vector<std::int64_t>(22)));
  f.refused("features.labels", {"y.npy", "(22,)", "(23,)"});
  classes[3] = -1;
  label(make_array({23}, classes));
  f.refused("features.labels", {"row 3", "class -1"});
}

TEST_CASE("feature source: odd data is warned about") {
  Files f;
  f.config.files[1].file = f.config.files[0].file;
  std::vector<float> v = numbered(23, 3);
  for (std::size_t r = 0; r < 23; ++r) v[3 * r] = 5;
  v[0] = v[1] = v[2] = 0;
  data::write_npy(f.dir / "a.npy", make_array({23, 3}, v));
  std::string all;
  for (const std::string& w : FeatureSource(f.config).warnings()) all += w + "\n";
  CHECK(all.find("1 of 23 rows are all zero") != std::string::npos);
  CHECK(all.find("hold the same numbers") != std::string::npos);
  v[0] = 5;
  data::write_npy(f.dir / "a.npy", make_array({23, 3}, v));
  CHECK(FeatureSource(f.config).warnings()[0].find("1 of 3 columns are constant") != std::string::npos);
}

TEST_CASE("emoji source: batches and blocks of the built-in pairs") {
  DataConfig config;
  config.views = 2;
  EmojiSource s(config);
  CHECK(s.train_items() == 977);
  CHECK(s.test_items() == 245);
  CHECK(s.modalities()[0].kind == ModalityKind::ngrams);
  CHECK(s.modalities()[1].kind == ModalityKind::image);
  Batch a, b;
  s.train_batch(1, 5, 8, a);
  CHECK(a.views == 2);
  CHECK(a.modalities[1].values.shape() == Shape{16, 32, 32, 3});
  CHECK(a.modalities[0].offset.shape() == Shape{17});
  s.train_batch(1, 6, 8, b);
  CHECK_FALSE(same_bits(a.modalities[1].values, b.modalities[1].values));
  EmojiSource(config).train_batch(1, 5, 8, b);
  CHECK(same_bits(a.modalities[1].values, b.modalities[1].values));
  CHECK(same_bits(a.modalities[0].values, b.modalities[0].values));
  const auto blocks = s.blocks(true);
  REQUIRE(blocks.size() == 13);
  CHECK(blocks[0].view == "en");
  CHECK(blocks[0].factors[0].name == "language");
  CHECK(blocks[12].factors[0].name == "style");
  CHECK(blocks[12].factors[0].labels[0] == 2);
  CHECK(blocks[12].factors[1].labels == blocks[0].factors[1].labels);
  CHECK(blocks[12].values.values.shape() == Shape{245, 32, 32, 3});
}

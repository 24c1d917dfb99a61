// The report: safe with any name, whole with any series, pictures that are pictures.
#include <zlib.h>

#include <cmath>
#include <limits>

#include "app/report_chart.h"
#include "app/report_content.h"
#include "app/report_html.h"
#include "app/report_png.h"
#include "tests/io_helpers.h"
#include "tests/test_eval_source.h"

namespace {

using namespace triptych;
using namespace triptych::app;
using eval_test::toy_model;
using eval_test::ToySource;

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

constexpr double missing = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("report: names from outside stay text") {
  const std::string evil = "<script>alert(1)</script>\"'&\n\x1b[31m";
  ToySource data;
  data.names = {evil, "image"};
  data.views[0][0] = evil;
  ReportContent c;
  c.run = evil;
  c.config = emoji_defaults();
  c.config.data.source = "emoji:" + evil;
  c.data = c.fingerprint = evil;
  c.notices = {evil};
  const Codes codes = all_codes(*toy_model(data), data);
  c.modalities = codes.modalities;
  c.evaluation = evaluate(codes);
  c.series.terms.push_back({evil, {1}, {1}});
  c.examples.push_back({evil, evil, {"", evil, evil}, {{{"", evil, evil}, 0.5, true}}, {"", evil, evil}, 9, 20});
  const std::string html = report_html(c);
  CHECK(count(html, "<script") == 0);
  CHECK(count(html, "&lt;script&gt;") > 10);
  CHECK(count(html, "\x1b") == 0);
  CHECK(count(html, "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'") == 1);
  CHECK(count(html, "http://") + count(html, "https://") + count(html, "url(") == 0);
}

TEST_CASE("report: without held-out items it says so") {
  ReportContent c;
  c.config = emoji_defaults();
  const std::string html = report_html(c);
  CHECK(count(html, "holds out no items") == 1);
  CHECK(count(html, "nothing was logged") == 1);
}

TEST_CASE("chart: any series gives a bounded drawing") {
  Series many{"many", {}, {}};
  for (int i = 0; i < 100000; ++i) {
    many.step.push_back(i);
    many.value.push_back(std::sin(i) + (i % 7 == 0 ? missing : 0));
  }
  const Series all[] = {{"none", {}, {}},
                        {"one", {3}, {0.5}},
                        {"constant", {1, 2}, {4, 4}},
                        {"zero", {1, 2}, {0, 0}},
                        {"nan", {1, 2}, {missing, missing}},
                        {"gap", {1, 2, 3, 4}, {1, missing, inf, 2}},
                        {"wide", {1, 2}, {1e-9, 1e9}},
                        {"huge", {1, 2}, {-1e308, 1e308}},
                        many};
  for (const Series& s : all) {
    CAPTURE(s.name);
    const std::string svg = chart(s);
    CHECK(svg.size() < 20000);
    CHECK(count(svg, "undefined") + count(svg, "nan,") + count(svg, "inf") == 0);
    CHECK(count(svg, "</svg>") == 1);
    CHECK((count(svg, "<polyline") + count(svg, "<circle") > 0) ==
          (s.name != "none" && s.name != "nan" && s.name != "huge"));
  }
  CHECK(count(chart(all[5]), "<circle") == 2);  // two points, each alone beside a gap
}

TEST_CASE("report: metrics.jsonl as series, half lines left out") {
  const io_test::TempDir dir;
  const std::string path = dir.file("metrics.jsonl",
                                    "{\"step\":1,\"loss\":2.5,\"terms\":{\"align\":1.0},\"lr\":0.1}\n"
                                    "{\"step\":2,\"loss\":null,\"terms\":{\"align\":0.5,\"variance\":3},\"lr\":0.2}\n"
                                    "nonsense\n[1]\n{\"step\":3,\"lo");
  const TrainingSeries s = read_series(path);
  REQUIRE(s.loss);
  CHECK(s.loss->step == std::vector<std::int64_t>{1, 2});
  CHECK(std::isnan(s.loss->value[1]));
  REQUIRE(s.terms.size() == 2);
  CHECK(s.terms[1].step == std::vector<std::int64_t>{2});
  REQUIRE(s.others.size() == 1);
  CHECK(s.others[0].name == "lr");
}

TEST_CASE("png: a known picture") {
  const std::uint8_t text[] = {'M', 'a', 'n', 'y'};
  CHECK(base64(std::span(text).first(3)) == "TWFu");
  CHECK(base64(text) == "TWFueQ==");
  const std::uint8_t two[] = {255, 0, 0, 1, 2, 3};
  const std::vector<std::uint8_t> file = png(two, 1, 2);
  CHECK(png_uri(two, 1, 2) == "data:image/png;base64," + base64(file));
  // Signature and header with its CRC, as any tool writes them; then the rows, each led by a 0.
  CHECK(base64(std::span(file).first(33)) == "iVBORw0KGgoAAAANSUhEUgAAAAEAAAACCAIAAAAW4yFw");
  REQUIRE(file.size() > 41 + 16);
  std::uint8_t rows[8];
  uLongf size = sizeof rows;
  REQUIRE(uncompress(rows, &size, file.data() + 41, file.size() - 41 - 16) == Z_OK);
  CHECK(std::vector<std::uint8_t>(rows, rows + size) == std::vector<std::uint8_t>{0, 255, 0, 0, 0, 1, 2, 3});
}

TEST_CASE("report: retrieval examples are the nearest by the codes") {
  DataConfig config;
  const EmojiSource data(config);
  Codes codes{{"text", "image"}, {}, {}};
  const std::vector<std::int32_t> item = {3, 40, 500};
  const double at[] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  const double swapped[] = {1, 0, 0, 0, 0, 1, 0, 1, 0};  // items 1 and 2 find each other
  codes.test.push_back({0, "en", item, {}, {}, Tensor::from({3, 3}, at, DType::f32)});
  codes.test.push_back({1, "noto", item, {}, {}, Tensor::from({3, 3}, swapped, DType::f32)});
  const auto all = retrieval_examples(data, codes);
  REQUIRE(all.size() == 3);
  CHECK(all[0].rank == 1);
  CHECK(all[0].nearest[0].match);
  CHECK(all[0].nearest[0].shown.text == data.pairs().texts[0][3].name);
  CHECK(all[0].query.picture.starts_with("data:image/png;base64,iVBORw0KGgo"));
  CHECK(all[1].rank > 1);
  CHECK(all[1].nearest[0].shown.text == data.pairs().texts[0][500].name);
}

// The report: safe with any name, whole with any series, pictures that are pictures.
#include <zlib.h>

#include <cmath>
#include <limits>

#include "app/report.h"
#include "app/report_chart.h"
#include "app/report_html.h"
#include "app/report_png.h"
#include "app/report_sections.h"
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

// No element but our own: text from outside never opens a tag, a comment or an attribute.
void check_inert(const std::string& html) {
  for (const char* part : {"<script", "</script", "<!--", "<img src=x", "onerror=\"", "\x1b", "\u202e", "\u200f"}) {
    CAPTURE(part);
    CHECK(count(html, part) == 0);
  }
  CHECK(count(html, "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'") == 1);
  CHECK(count(html, "http://") + count(html, "https://") + count(html, "url(") == 0);
  CHECK(count(html, ">NaN") + count(html, ">nan") + count(html, ">inf") + count(html, ">-inf") == 0);
}

const std::string evil =
    "</script><script>alert(1)</script><!-- <img src=x onerror=\"x\">\"'&\n\x1b[31m\u202egnp\u200f";

ReportContent content_of(const ToySource& data) {
  ReportContent c;
  c.config = emoji_defaults();
  const Codes codes = all_codes(*toy_model(data), data);
  c.modalities = codes.modalities;
  c.evaluation = evaluate(codes);
  c.scatters = code_scatters(codes);
  return c;
}

}  // namespace

TEST_CASE("report: names from outside stay text") {
  ToySource data;
  data.names = {evil, "image"};
  data.views[0][0] = evil;
  ReportContent c = content_of(data);
  c.run = evil;
  c.config.data.source = "emoji:" + evil;
  c.data = c.fingerprint = evil;
  c.notices = {evil};
  for (const char* name : {"", "terms/", "weights/", "routing/load/", "surgery/cosines/", "monitor/"})
    for (const char* more : {"", "2"}) c.series.all.push_back({name + evil + more, {1, 2}, {1, 2}});
  c.examples.push_back({evil, evil, {"", evil, evil}, {{{"", evil, evil}, 0.5, true}}, {"", evil, evil}, 9, 20});
  c.found_swaps.push_back(
      {evil, {}, 1, {{{"", evil, evil}, {"", evil, evil}, {"", evil, evil}, evil, evil, evil, true}}});
  c.drawn_swaps = {evil, {evil, evil}, {evil}, {{evil, 0.5, 0.5, 0.5, 4}}, "data:", 2, 2};
  c.attention = {1, 2, {{evil, {"data:", "", evil}, {{0.2f, 0.8f}}}}, evil};
  c.scatters.push_back({evil, evil, {evil, evil}, {{1, 2, 0}, {2, 1, 1}}, {0.5, 0.5}});
  const std::string html = report_html(c);
  check_inert(html);
  CHECK(count(html, "&lt;script&gt;") > 40);
  CHECK(count(html, "\\u{202e}") > 20);  // made visible
  c.evaluation.reset();
  c.unjudged = evil;
  check_inert(report_html(c));
  check_inert(compare_html({c, content_of(data), c}));
}

TEST_CASE("report: every section is there, and what is good is said beside it") {
  const ToySource data;
  ReportContent c = content_of(data);
  c.run = "runs/toy";
  c.series.all = {{"loss", {1, 2}, {3, 2}},          {"terms/align", {1, 2}, {1, 1}},
                  {"weights/align", {1, 2}, {0, 1}}, {"weights/variance", {1, 2}, {1, 1}},
                  {"gate", {1, 2}, {0, 1}},          {"surgery/cosines/a - b", {2}, {-0.5}},
                  {"routing/load/0/0", {1}, {0.5}},  {"routing/load/0/1", {1}, {0.5}},
                  {"monitor/cka/x", {1}, {0.5}}};
  const std::string html = report_html(c);
  for (const char* title : {">What each code knows</h2>", ">Which codes agree, and what they know</h2>",
                            ">The codes, seen</h2>", ">Training</h2>", ">Losses<", ">Curriculum<", ">Gradients<",
                            ">Routers<", ">Disentanglement while it trains<"}) {
    CAPTURE(title);
    CHECK(count(html, title) == 1);
  }
  CHECK(count(html, "a private code high with its own modality") == 1);
  // Two modalities: four codes with each other, and with two factors each and the other modalities' influence.
  CHECK(count(html, "<th scope=\"row\">private.text</th>") == 2);
  CHECK(count(html, "<td class=\"high\" title=\"should be high\"") >= 2 + 4);
  CHECK(count(html, "<th scope=\"col\">other modalities</th>") == 1);
  CHECK(count(html, "shared codes by modality") > 0);
  CHECK(count(html, "private.text by language") > 0);
  CHECK(count(html, "<figure") == count(html, "role=\"img\" aria-label=\"") - count(html, "<div class=\"bar\">") -
                                      count(html, "aria-label=\"effective rank\""));  // none without words
  CHECK(count(html, "http-equiv=\"refresh\"") == 0);
  CHECK(html.size() < 3'000'000);
}

TEST_CASE("report: degenerate codes are undefined, with a reason") {
  ToySource data;
  data.test = 3;  // too few for CKA
  ReportContent c = content_of(data);
  c.evaluation->ranks[0].value.reset();
  c.evaluation->leakage.push_back({"private.text", "other modalities", missing});
  c.scatters[0] = {"flat", "", {}, {{0, 0, 0}}, {0, 0}};
  c.series.all.push_back({"all gaps", {1, 2}, {missing, inf}});
  const std::string html = report_html(c);
  check_inert(html);
  CHECK(count(html, "undefined: a constant code, or fewer than 4 items") > 4);
  CHECK(count(html, ">undefined: the code is constant<") == 1);
  CHECK(count(html, "undefined: no finite value") == 1);
}

TEST_CASE("report: without figures it says why") {
  ReportContent c;
  c.config = emoji_defaults();
  c.unjudged = "the data holds out no items.";
  c.refresh_after = 10;
  c.series.unreadable = 2;
  const std::string html = report_html(c);
  CHECK(count(html, "holds out no items") == 1);
  CHECK(count(html, "Nothing was logged yet") == 1);
  CHECK(count(html, "2 lines of metrics.jsonl are no object") == 1);
  CHECK(count(html, "<meta http-equiv=\"refresh\" content=\"10\">") == 1);
}

TEST_CASE("report: thousands of series stay within 3 MB") {
  ReportContent c;
  c.config = emoji_defaults();
  for (int i = 0; i < 1000; ++i) {
    Series s{"monitor/group " + std::to_string(i / 50) + "/" + std::to_string(i), {}, {}};
    for (int step = 0; step < 2000; ++step) {
      s.step.push_back(step);
      s.value.push_back(std::sin(step * i));
    }
    c.series.all.push_back(s);
  }
  CHECK(report_html(c).size() < 3'000'000);
}

TEST_CASE("compare: figures, settings and curves side by side") {
  const ToySource data;
  ReportContent a = content_of(data), b = content_of(data);
  a.run = "first";
  b.run = "second";
  b.config.train.lr = 0.25;
  b.config.train.threads = 7;
  b.config.model.objective.pop_back();
  a.series.all = {{"loss", {1, 2}, {3, 2}}, {"lr", {1, 2}, {1, 1}}};
  b.series.all = {{"loss", {1, 4}, {4, 1}}};
  const std::string html = compare_html({a, b});
  CHECK(count(html, "<figure") == 2);
  CHECK(count(html, "<th scope=\"row\">train.lr</th><td>0.0015</td><td>0.25</td>") == 1);
  CHECK(count(html, "train.threads") == 0);
  CHECK(count(html, "<th scope=\"row\">objective ") == 1);
  CHECK(count(html, "<th scope=\"row\">recall@1</th>") == 1);
  CHECK(count(html, "<polyline class=\"curve c0\"") == 2);
  CHECK(count(html, "<polyline class=\"curve c1\"") == 1);
  CHECK(count(compare_html({a, a}), "runs of one config on the same data") == 1);
  io_test::check_refused([&] { compare_html(std::vector<ReportContent>(9, a)); }, "report.runs",
                         {"9 runs", "at most 8"}, Exit::usage);
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
    const Curve one[] = {{"", &s}}, two[] = {{"a", &all[1]}, {"b", &s}};
    const std::string svg = chart(s.name, one);
    CHECK(svg.size() < 20000);
    CHECK(count(svg, "nan,") + count(svg, "inf") == 0);
    CHECK(count(svg, "</svg>") == 1);
    CHECK((count(svg, "<polyline") + count(svg, "<circle") > 0) ==
          (s.name != "none" && s.name != "nan" && s.name != "huge"));
    CHECK(count(chart(s.name, two), "<circle class=\"dot c0\"") == 1);
    CHECK(count(chart(s.name, two), "<li>") == 2);
  }
  const Curve gap[] = {{"", &all[5]}};
  CHECK(count(chart("gap", gap), "<circle") == 2);  // two points, each alone beside a gap
}

TEST_CASE("report: metrics.jsonl as series, half lines left out") {
  const io_test::TempDir dir;
  const std::string path = dir.file("metrics.jsonl",
                                    "{\"step\":1,\"loss\":2.5,\"terms\":{\"align\":1.0},\"lr\":0.1}\n"
                                    "{\"step\":2,\"loss\":null,\"terms\":{\"align\":0.5,\"variance\":3},\"lr\":0.2}\n"
                                    "nonsense\n[1]\n{\"step\":3,\"lo");
  const TrainingSeries s = read_series(path);
  REQUIRE(s.find("loss"));
  CHECK(s.find("loss")->step == std::vector<std::int64_t>{1, 2});
  CHECK(std::isnan(s.find("loss")->value[1]));
  CHECK(s.find("terms/variance")->step == std::vector<std::int64_t>{2});
  CHECK(s.all.size() == 4);
  CHECK(s.last_step == 2);
  CHECK(s.unreadable == 3);
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

TEST_CASE("report: swaps name the item of one code and the view of the other") {
  const EmojiSource data(DataConfig{});
  Codes codes{{"text", "image"}, {}, {}};
  const std::vector<std::int32_t> item = {3, 40, 500};
  const double of_item[] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, of_view[2][6] = {{1, 0, 1, 0, 1, 0}, {0, 1, 0, 1, 0, 1}};
  for (const int v : {0, 1})
    codes.test.push_back({1,
                          v == 0 ? "noto" : "twemoji",
                          item,
                          {},
                          Tensor::from({3, 2}, of_view[v], DType::f32),
                          Tensor::from({3, 3}, of_item, DType::f32)});
  const auto all = found_swaps(data, codes);
  REQUIRE(all.size() == 1);
  CHECK(all[0].score.right.value == 1);
  CHECK(all[0].candidates == 6);
  REQUIRE(all[0].examples.size() == 3);
  CHECK(all[0].examples[1].right);
  CHECK(all[0].examples[1].item.gloss == data.pairs().concepts[40].english);
  CHECK(all[0].examples[1].donor.gloss == data.pairs().concepts[500].english);
  CHECK(all[0].examples[1].found.gloss == data.pairs().concepts[40].english);
  CHECK(all[0].examples[1].found_view == all[0].examples[1].donor_view);
  ReportContent c;
  c.found_swaps = all;
  const std::string html = swaps_section(c);
  CHECK(count(html, "✓ right") == 3);
  CHECK(count(html, ": right 100.0") == 1);
  for (CodedBlock& b : codes.test) b.private_code = Tensor::zeros({3, 2}, DType::f32);
  c.found_swaps = found_swaps(data, codes);
  CHECK(count(swaps_section(c), "✓ right") == 0);
}

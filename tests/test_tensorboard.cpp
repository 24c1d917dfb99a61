// TensorBoard's event files: framing and checksums as the format has them, read back by a reader that shares no code
// with the writer; whole again after a crash; and the numbers of a metrics line by name.
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "app/tensorboard_events.h"
#include "data/crc32c.h"
#include "tests/io_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::app;
using io_test::slurp;
using io_test::TempDir;

struct Event {
  std::uint64_t step = 0;
  std::string version;
  std::map<std::string, float> values;
};

template <class T>
T take(std::string_view& from) {
  REQUIRE(from.size() >= sizeof(T));
  T v;
  std::memcpy(&v, from.data(), sizeof v);
  from.remove_prefix(sizeof v);
  return v;
}

std::uint64_t varint(std::string_view& from) {
  std::uint64_t v = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = take<std::uint8_t>(from);
    v |= static_cast<std::uint64_t>(byte & 127) << shift;
    if (byte < 128) return v;
  }
}

std::string_view bytes(std::string_view& from) {
  const std::uint64_t n = varint(from);
  REQUIRE(n <= from.size());
  const std::string_view part = from.substr(0, n);
  from.remove_prefix(n);
  return part;
}

std::uint32_t unmasked(std::uint32_t crc) {
  crc -= 0xa282ead8u;
  return crc >> 17 | crc << 15;
}

std::uint32_t crc_of(std::string_view text) { return data::crc32c(std::as_bytes(std::span(text))); }

Event event(std::string_view from) {
  Event e;
  while (!from.empty()) switch (varint(from)) {
      case 1 << 3 | 1: CHECK(take<double>(from) > 1e9); break;  // seconds since 1970
      case 2 << 3 | 0: e.step = varint(from); break;
      case 3 << 3 | 2: e.version = bytes(from); break;
      case 5 << 3 | 2: {
        std::string_view summary = bytes(from);
        while (!summary.empty()) {
          REQUIRE(varint(summary) == (1 << 3 | 2));
          std::string_view value = bytes(summary);
          REQUIRE(varint(value) == (1 << 3 | 2));
          const std::string tag(bytes(value));
          REQUIRE(varint(value) == (2 << 3 | 5));
          e.values[tag] = take<float>(value);
          CHECK(value.empty());
        }
        break;
      }
      default: FAIL("unknown field");
    }
  return e;
}

std::vector<Event> events(const std::string& file) {
  const std::string all = slurp(file);
  std::string_view from = all;
  std::vector<Event> found;
  while (!from.empty()) {
    const std::string_view length = from.substr(0, 8);
    const auto n = take<std::uint64_t>(from);
    CHECK(unmasked(take<std::uint32_t>(from)) == crc_of(length));
    REQUIRE(n <= from.size());
    const std::string_view body = from.substr(0, n);
    from.remove_prefix(n);
    CHECK(unmasked(take<std::uint32_t>(from)) == crc_of(body));
    found.push_back(event(body));
  }
  return found;
}

std::vector<std::uint64_t> steps(const std::string& file) {
  std::vector<std::uint64_t> all;
  for (const Event& e : events(file)) all.push_back(e.step);
  return all;
}

constexpr double missing = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("crc32c: the examples of RFC 3720, B.4, and the check value") {
  std::string up, down;
  for (int i = 0; i < 32; ++i) {
    up += static_cast<char>(i);
    down += static_cast<char>(31 - i);
  }
  CHECK(crc_of(std::string(32, '\0')) == 0x8a9136aau);
  CHECK(crc_of(std::string(32, '\xff')) == 0x62a8ab43u);
  CHECK(crc_of(up) == 0x46dd794eu);
  CHECK(crc_of(down) == 0x113fdb5cu);
  CHECK(crc_of("123456789") == 0xe3069283u);
  CHECK(crc_of("") == 0);
}

TEST_CASE("events: a version, then a record a step, values that are numbers") {
  const TempDir dir;
  const std::string path = dir / events_file;
  {
    TensorboardEvents log(path, 0);
    log.append(1, {{"loss", 2.5}, {"terms/ä", -1e-3}, {"gap", missing}, {"high", inf}});
    log.append(1000000, {{"loss", 0.1}});
  }
  const std::vector<Event> found = events(path);
  REQUIRE(found.size() == 3);
  CHECK(found[0].version == "brain.Event:2");
  CHECK(found[1].step == 1);
  CHECK(found[1].values == std::map<std::string, float>{{"loss", 2.5f}, {"terms/ä", -1e-3f}});
  CHECK(found[2].step == 1000000);
  CHECK(found[2].values.at("loss") == 0.1f);
}

TEST_CASE("events: resumed, no step stands twice, whatever the end looks like") {
  const TempDir dir;
  const std::string path = dir / events_file;
  {
    TensorboardEvents log(path, 0);
    for (const int step : {1, 50, 100, 150}) log.append(step, {{"loss", step}});
  }
  const std::string whole = slurp(path);
  std::string garbled = whole;
  garbled[garbled.size() - 10] ^= 1;
  std::string huge = whole + std::string(8, '\x7f') + std::string(20, 'x');
  struct Ending {
    const char* what;
    std::string file;
    std::vector<std::uint64_t> kept;
  };
  for (const Ending& e :
       {Ending{"whole", whole, {0, 1, 50, 100, 101}},
        Ending{"cut", whole.substr(0, whole.size() - 5), {0, 1, 50, 100, 101}},
        Ending{"garbled", garbled, {0, 1, 50, 100, 101}}, Ending{"a length from nowhere", huge, {0, 1, 50, 100, 101}},
        Ending{"no event file", "nonsense", {0, 101}}, Ending{"empty", "", {0, 101}}}) {
    CAPTURE(e.what);
    dir.file(events_file, e.file);
    TensorboardEvents(path, 100).append(101, {{"loss", 1}});
    CHECK(steps(path) == e.kept);
  }
}

TEST_CASE("numbers of a metrics line: every one, by name") {
  const auto line = nlohmann::ordered_json::parse(R"({
    "step": 7, "loss": 1.5, "note": "text", "terms": {"a": 1, "b": null}, "short_of_samples": ["a"],
    "routing": [{"layer": 0, "modality": "text", "code": "both", "load": [0.25, 0.75], "entropy": 0.5}],
    "surgery": {"losses": ["a", "b"], "gradient_norms": [3, 4], "cosines": [[1, -0.5], [-0.5, 1]]},
    "cka": [{"a": "private.text", "b": "shared.text", "value": 0.1, "low": 0}, {"value": 2}]})");
  std::vector<std::string> names;
  double sum = 0;
  for (const auto& [name, value] : numbers_of(line)) {
    names.push_back(name);
    if (std::isnan(value))
      CHECK(name == "terms/b");
    else
      sum += value;
  }
  CHECK(names == std::vector<std::string>{"loss", "terms/a", "terms/b", "routing/load/layer 0 text both/0",
                                          "routing/load/layer 0 text both/1", "routing/entropy/layer 0 text both",
                                          "surgery/gradient_norms/a", "surgery/gradient_norms/b",
                                          "surgery/cosines/a - b", "cka/private.text shared.text",
                                          "cka/low/private.text shared.text", "cka/1"});
  CHECK(sum == 1.5 + 1 + 0.25 + 0.75 + 0.5 + 3 + 4 - 0.5 + 0.1 + 2);
}

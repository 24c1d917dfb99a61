#include "app/tensorboard_events.h"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>

#include "data/atomic_file.h"
#include "data/bytes.h"
#include "data/crc32c.h"
#include "data/read_file.h"

namespace triptych::app {
namespace {

using Bytes = std::vector<std::byte>;
using data::load;

constexpr std::size_t before_event = 12, after_event = 4;

std::uint32_t masked_crc(std::span<const std::byte> bytes) {
  const std::uint32_t crc = data::crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

// Protocol buffers, wire format: a key is (number << 3 | type), type 0 varint, 1 eight bytes, 2 length and bytes,
// 5 four bytes.
void put_varint(Bytes& to, std::uint64_t v) {
  for (; v >= 128; v >>= 7) to.push_back(static_cast<std::byte>(v | 128));
  to.push_back(static_cast<std::byte>(v));
}
template <class T>
void put_fixed(Bytes& to, T v) {
  to.resize(to.size() + sizeof v);
  data::store(to, to.size() - sizeof v, v);
}
void put_bytes(Bytes& to, int number, std::span<const std::byte> bytes) {
  put_varint(to, static_cast<std::uint64_t>(number << 3 | 2));
  put_varint(to, bytes.size());
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// wall_time and step: the first fields of every event that we write.
Bytes event_at(std::int64_t step) {
  Bytes event;
  put_varint(event, 1 << 3 | 1);
  put_fixed(event, std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
  put_varint(event, 2 << 3 | 0);
  put_varint(event, static_cast<std::uint64_t>(step));
  return event;
}

Bytes record_of(const Bytes& event) {
  Bytes record;
  put_fixed(record, static_cast<std::uint64_t>(event.size()));
  put_fixed(record, masked_crc(record));
  record.insert(record.end(), event.begin(), event.end());
  put_fixed(record, masked_crc(event));
  return record;
}

// The step of an event of ours; nothing for others.
std::optional<std::int64_t> step_of(std::span<const std::byte> event) {
  constexpr std::size_t at = 9;  // behind wall_time and its key
  if (event.size() <= at || event[0] != std::byte{9} || event[at] != std::byte{16}) return std::nullopt;
  std::uint64_t step = 0;
  for (std::size_t i = at + 1, shift = 0; i < event.size() && shift < 64; ++i, shift += 7) {
    step |= (static_cast<std::uint64_t>(event[i]) & 127) << shift;
    if ((event[i] & std::byte{128}) == std::byte{0}) return static_cast<std::int64_t>(step);
  }
  return std::nullopt;
}

// How many bytes at the start are whole records of steps up to last_step.
std::size_t kept(std::span<const std::byte> file, std::int64_t last_step) {
  std::size_t at = 0;
  while (file.size() - at >= before_event + after_event) {
    const auto size = load<std::uint64_t>(file, at);
    if (load<std::uint32_t>(file, at + 8) != masked_crc(file.subspan(at, 8)) ||
        size > file.size() - at - before_event - after_event)
      return at;
    const auto event = file.subspan(at + before_event, size);
    const auto step = step_of(event);
    if (load<std::uint32_t>(file, at + before_event + size) != masked_crc(event) || !step || *step > last_step)
      return at;
    at += before_event + size + after_event;
  }
  return at;
}

// The path, once the file holds only what is kept.
std::string cleaned(const std::string& path, std::int64_t last_step) {
  if (std::filesystem::exists(path)) {
    const Bytes bytes = data::read_file(path);
    const std::size_t keep = kept(bytes, last_step);
    if (keep != bytes.size()) data::write_file_atomically(path, std::span(bytes).first(keep));
  }
  return path;
}

}  // namespace

TensorboardEvents::TensorboardEvents(const std::string& path, std::int64_t last_step)
    : file_(cleaned(path, last_step), "events"), empty_(std::filesystem::file_size(path) == 0) {}

void TensorboardEvents::append(std::int64_t step, const Numbers& numbers) {
  if (empty_) {
    Bytes version = event_at(0);
    put_bytes(version, 3, data::as_bytes("brain.Event:2"));
    file_.append(record_of(version));
    empty_ = false;
  }
  Bytes summary;
  for (const auto& [tag, number] : numbers) {
    if (!std::isfinite(number)) continue;
    Bytes value;
    put_bytes(value, 1, data::as_bytes(tag));
    put_varint(value, 2 << 3 | 5);
    put_fixed(value, static_cast<float>(number));
    put_bytes(summary, 1, value);
  }
  Bytes event = event_at(step);
  put_bytes(event, 5, summary);
  file_.append(record_of(event));
}

}  // namespace triptych::app

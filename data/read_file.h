// Reading a whole regular file into memory, once, with every way it can go wrong named.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace triptych::data {

// Bytes of memory in the machine: the default bound of read_file.
std::uint64_t physical_memory();

// The file's bytes. Plain reads, no mapping: a file shortened by someone else meanwhile is an error, not a SIGBUS.
// Throws Error
//   input      "file.missing", "file.link" (dangling), "file.not-regular" (directory, FIFO, device, socket; never
//              waits on one), "file.open", "file.read", "file.changed" (size changed while reading)
//   resources  "file.too-large" when it holds more than max_bytes, before anything is allocated
std::vector<std::byte> read_file(const std::string& path, std::uint64_t max_bytes = physical_memory());

}  // namespace triptych::data

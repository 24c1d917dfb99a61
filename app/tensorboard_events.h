// An event file of TensorBoard: the numbers of metrics.jsonl as scalars, for `tensorboard --logdir RUN`.
//
//   file     records; the first says "brain.Event:2", the others hold one logged step each
//   record   length (8 bytes), masked CRC of those 8, the event, masked CRC of the event: a TFRecord. All little-endian
//   masked   rotate CRC-32C right by 15 bits, add 0xa282ead8
//   event    protobuf: 1 wall_time (double), 2 step (varint), 3 file_version, 5 summary = {1 value = {1 tag,
//            2 simple_value (float)}, ...}
//   source   TensorFlow: core/lib/io/record_writer.h, core/util/event.proto, core/framework/summary.proto
//
// Values are rounded to float32. wall_time is the time of writing, which TensorBoard needs for its axes, so two equal
// runs differ in these bytes of this file and in nothing else of it (docs/decisions/0017).
#pragma once

#include <cstdint>
#include <string>

#include "app/append_file.h"
#include "app/run_numbers.h"

namespace triptych::app {

// In the folder of a run. TensorBoard reads every file whose name holds "tfevents".
inline constexpr const char* events_file = "events.out.tfevents.triptych";

class TensorboardEvents {
 public:
  // Opens the file for appending, made when missing. Records of steps after `last_step` and what follows a damaged
  // record are removed first. Throws Error(output, "events.open").
  TensorboardEvents(const std::string& path, std::int64_t last_step);

  // One event; numbers that are not finite are left out. When the disk is full the file keeps its whole records, and
  // Error(output, "events.write") is thrown.
  void append(std::int64_t step, const Numbers& numbers);

 private:
  AppendFile file_;
  bool empty_;
};

}  // namespace triptych::app

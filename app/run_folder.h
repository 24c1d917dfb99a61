// The folder of a training run:
//
//   config.toml       everything that decides the result
//   metrics.jsonl     one JSON object a logged step
//   events.out.tfevents.triptych    its numbers for TensorBoard (app/tensorboard_events.h)
//   checkpoints/      step-00000500.safetensors: the newest two
//   report.html       what was learned; while training goes on, its curves
//   seconds.txt       how long training took (app/run_seconds.h)
//   forced.txt        what changed at a resume that was forced
//   lock              who is writing now
//   .triptych-run     empty: says that the files above are ours to replace
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace triptych::app {

// The name of a checkpoint after `step` steps, inside the run folder.
std::string checkpoint_name(std::int64_t step);

// The paths of the checkpoints in a run folder, newest first; none when it has no folder for them. Throws Error(output,
// "run.folder") when that cannot be listed.
std::vector<std::string> checkpoint_paths(const std::string& run);

class RunFolder {
 public:
  enum class Open {
    fresh,    // a run must not be there yet
    replace,  // one that is there is removed: only the files named above, and only where a run of ours is marked
    resume    // one must be there
  };

  // Makes the folder when it is missing, takes its lock, and removes temporary files of dead processes. Throws
  //   usage   "run.exists", "run.missing", "run.foreign" (told to replace files that no run of ours is known to have
  //   made) output  "run.folder" (not a folder, not writable, a file cannot be removed), "run.locked" (names the
  //   process that holds it)
  // The lock belongs to the open file, so the system frees it when the process dies however it dies.
  RunFolder(const std::string& path, Open how);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  explicit RunFolder(const std::string& path) : path_(path) {}  // with it done, ~RunFolder frees a lock come what may
  void lock();
  void mark() const;
  void remove_run() const;
  std::string path_;
  int lock_ = -1;
};

}  // namespace triptych::app

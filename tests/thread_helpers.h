// Shared by the tests that ask for the same bits with any number of threads.
#pragma once

#include <mutex>
#include <set>
#include <thread>

#include "backends/cpu/parallel.h"

namespace triptych::test {

// Gives set_threads() its old value back at the end of the scope.
class KeepThreads {
 public:
  KeepThreads() = default;
  KeepThreads(const KeepThreads&) = delete;
  KeepThreads& operator=(const KeepThreads&) = delete;
  ~KeepThreads() { set_threads(before_); }

 private:
  int before_ = threads();
};

// How many threads really share a loop of `count` tiles and this much work: 1 means that comparing bits proves nothing.
inline std::size_t threads_at(std::int64_t count, std::int64_t work) {
  std::set<std::thread::id> seen;
  std::mutex lock;
  cpu::parallel_for(count, work, [&](std::int64_t) {
    const std::lock_guard guard(lock);
    seen.insert(std::this_thread::get_id());
  });
  return seen.size();
}

}  // namespace triptych::test

// Runs the built program in a process of its own.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/io_helpers.h"

namespace triptych::cli_test {

struct Ended {
  int status = -1;  // exit status, or -(signal)
  std::string out, err;
};

struct Surroundings {
  std::vector<std::pair<std::string, std::string>> variables = {};
  int out = -1;             // open file that receives standard output, instead of Ended::out
  int interrupt_after = 0;  // milliseconds until SIGINT; 0: never
};

inline Ended run_program(const std::vector<std::string>& args, const Surroundings& around = {}) {
  const io_test::TempDir dir;
  const std::string out = dir / "out", err = dir / "err";
  std::vector<char*> words = {const_cast<char*>("triptych")};
  for (const std::string& a : args) words.push_back(const_cast<char*>(a.c_str()));
  words.push_back(nullptr);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::unsetenv("OMP_NUM_THREADS");
    for (const auto& [name, value] : around.variables) ::setenv(name.c_str(), value.c_str(), 1);
    ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
    ::dup2(around.out >= 0 ? around.out : ::open(out.c_str(), O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
    ::execv(TRIPTYCH_PROGRAM, words.data());
    ::_exit(127);
  }
  if (around.interrupt_after > 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(around.interrupt_after));
    ::kill(child, SIGINT);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), io_test::slurp(out), io_test::slurp(err)};
}

// One row of a table of refusals.
struct Refusal {
  std::vector<std::string> args;
  int status;
  std::string part;  // of standard error
};

inline void check_refusals(const std::vector<Refusal>& table) {
  for (const Refusal& row : table) {
    std::string line;
    for (std::size_t i = 0; i < std::min<std::size_t>(row.args.size(), 12); ++i)
      line += " " + row.args[i].substr(0, 80);
    CAPTURE(line);
    const Ended e = run_program(row.args);
    CAPTURE(e.err);
    CHECK(e.status == row.status);
    CHECK(e.out.empty());
    CHECK(e.err.find(row.part) != std::string::npos);
    CHECK(e.err.compare(0, 10, "triptych: ") == 0);
    CHECK(std::count(e.err.begin(), e.err.end(), '\n') <= 2);
  }
}

}  // namespace triptych::cli_test

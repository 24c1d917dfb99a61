// The one exception type that user-visible failures travel in, and the text helpers its messages need.
//
// Nothing below app/ prints or aborts: it throws Error, and app/ turns that into two lines on stderr (or one JSON
// object with --json) and an exit status.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace triptych {

// Process exit statuses. They are part of the command line's contract: scripts test for them.
enum class Exit {
  ok = 0,
  check_failed = 1,  // a check ran and said no
  usage = 2,         // command line or configuration; nothing was read or written
  input = 3,         // an input file was refused
  output = 4,        // output could not be written
  numerical = 5,     // training stopped on NaN or Inf
  resources = 6,     // memory or another limit of the machine
  peer = 7,          // another process of the run failed or timed out
  internal = 70,     // a bug of ours
};

// what() is the one-line message; it already names the file, the place in it, what was found and what was expected.
//   code  stable short identifier for programs, "<format>.<reason>", such as "npy.too-short"
//   file  path as the caller gave it, unescaped; empty when no file is involved
//   hint  what to do next, one line; may be empty
struct Error : std::runtime_error {
  Error(Exit exit, std::string code, std::string message, std::string file = {}, std::string hint = {});

  Exit exit;
  std::string code;
  std::string file;
  std::string hint;
};

// Throws Error with Exit::input and the message "<file>: <place>: <problem>"; an empty place is left out. The file
// name is escaped here; untrusted text inside place and problem is the caller's to escape.
[[noreturn]] void reject_input(std::string code, const std::string& file, const std::string& place,
                               const std::string& problem, std::string hint = {});

// The candidate closest to word: least number of inserted, deleted, replaced or swapped-neighbour characters
// (Damerau-Levenshtein distance in its optimal-string-alignment form), the first one on a tie, ASCII case ignored.
// Empty when the best needs more than one edit per three characters, or when word is longer than 64 bytes.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// The hint for a word that is none of `known`: "did you mean 'a'?" when one is near, else "known: a, b, c", the first
// `most` of them.
std::string suggest(std::string_view word, const std::vector<std::string>& known, std::size_t most = 100);

// Printable form of untrusted text: backslash, control characters (so terminal escape codes too), bytes that are not
// UTF-8, and invisible or direction-changing characters become \\, \n, \x1b, \u{202e} and the like. Text longer than
// max_bytes is cut and its length stated. HTML needs its own escaping on top of this.
std::string escape_text(std::string_view text, std::size_t max_bytes = 256);

// True when text is well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace triptych

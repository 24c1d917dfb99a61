// Mutation check: breaking a backward on purpose, so that the tests can prove they would notice.
//
// In a build with -DTRIPTYCH_MUTANTS=ON one mutant at a time may be active, by name. Elsewhere TRIPTYCH_TERM(name, x)
// is x and nothing of this is compiled.
//   "<op>/<input>/sign|double|drop|last-row"   spoils what the pullback of <op> returns for <input> (core/tape.cpp)
//   "<term>"                                   drops the term marked TRIPTYCH_TERM(term, x) from a formula
#pragma once

#ifdef TRIPTYCH_MUTANTS
#include <string>
#include <vector>

namespace triptych::mutant {
inline std::string& active() {
  static std::string name;
  return name;
}
// Every term passed so far, in the order first met.
inline std::vector<std::string>& terms() {
  static std::vector<std::string> names;
  return names;
}
inline bool dropped(const char* term) {
  for (const std::string& t : terms())
    if (t == term) return active() == term;
  terms().push_back(term);
  return active() == term;
}
}  // namespace triptych::mutant
#define TRIPTYCH_TERM(term, x) (::triptych::mutant::dropped(term) ? 0 * (x) : (x))
#else
#define TRIPTYCH_TERM(term, x) (x)
#endif

// Mutation check: breaking a backward on purpose, so that the tests can prove they would notice.
//
// In a build with -DTRIPTYCH_MUTANTS=ON one mutant at a time may be active, by name. Elsewhere TRIPTYCH_TERM(name, x)
// and TRIPTYCH_FACTOR(name, x) are x and nothing of this is compiled.
//   "<op>/<input>/sign|double|drop|last-row"   spoils what the pullback of <op> returns for <input> (core/tape.cpp)
//   "<name>"                                   drops a marked summand (it becomes 0) or factor (it becomes 1)
#pragma once

#ifdef TRIPTYCH_MUTANTS
#include <set>
#include <string>

namespace triptych::mutant {
inline std::string active;          // empty: nothing is broken
inline bool collecting = false;     // note every mutant whose place is passed
inline std::set<std::string> seen;  // those noted

inline bool dropped(const char* name) {
  if (collecting) seen.insert(name);
  return active == name;
}
}  // namespace triptych::mutant
#define TRIPTYCH_TERM(name, x) (::triptych::mutant::dropped(name) ? 0 * (x) : (x))
#define TRIPTYCH_FACTOR(name, x) (::triptych::mutant::dropped(name) ? decltype(x){1} : (x))
#else
#define TRIPTYCH_TERM(name, x) (x)
#define TRIPTYCH_FACTOR(name, x) (x)
#endif

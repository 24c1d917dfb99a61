// How often memory was taken from the system: every operator new of the program, and every block that the tensor arena
// could not serve from its cache. A training step after the first takes none.
#pragma once

#include <cstdint>

namespace triptych::app {

std::int64_t allocations();

}  // namespace triptych::app

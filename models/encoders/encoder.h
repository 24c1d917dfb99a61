#pragma once

#include "models/factors.h"

namespace triptych {

// What an encoder makes of one modality. `h` is what the shared code is read from; `surface` is what the private code
// is read from: less processed, because style is on the surface (the same as h where an encoder has but one level).
// `target` is what private and shared code together must give back; it is a constant.
struct Encoded {
  Tokens h, surface;
  Var target;
};

}  // namespace triptych

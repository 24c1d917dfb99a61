#pragma once

#include <optional>
#include <string>

#include "models/layers/linear.h"
#include "models/scheme.h"

namespace triptych {

// Both token sets of one modality brought to width d: a linear map each where their width is another, nothing where it
// is d. What is the same before is the same after.
class ProjectTokens {
 public:
  struct Projected {
    Tokens h, surface;
  };
  ProjectTokens(const Init& init, const EncodedWidths& widths, std::int64_t d) : same_(widths.same) {
    if (widths.h != d) h_.emplace(init, widths.name + ".project", widths.h, d);
    if (!same_ && widths.surface != d) surface_.emplace(init, widths.name + ".project_surface", widths.surface, d);
  }
  bool same() const { return same_; }
  Projected operator()(const Context& c, const Encoded& e) const {
    const Tokens h{h_ ? (*h_)(c, e.h.x) : e.h.x, e.h.mask};
    return {h, same_ ? h : Tokens{surface_ ? (*surface_)(c, e.surface.x) : e.surface.x, e.surface.mask}};
  }

 private:
  bool same_;
  std::optional<Linear> h_, surface_;
};

}  // namespace triptych

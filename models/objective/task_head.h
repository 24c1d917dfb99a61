#pragma once

#include <vector>

#include "models/layers/linear.h"
#include "models/objective/term_codes.h"
#include "models/scheme.h"

namespace triptych {

const Var& code_of(const Factors& f, const CodeRef& ref);

// y = W [code; code; ...] + b: what is predicted of a sample's label, (B, outputs). MISA's fusion without its
// transformer: a linear map of the codes named, so that what they hold is what counts.
class TaskHead {
 public:
  TaskHead(const Init& init, std::vector<CodeRef> codes, std::int64_t private_width, std::int64_t shared_width,
           std::int64_t outputs);
  // Absent where the whole batch lacks one of the codes.
  Var operator()(const Context& c, const Factors& f) const;
  const std::vector<CodeRef>& codes() const { return codes_; }

 private:
  std::vector<CodeRef> codes_;
  Linear map_;
};

}  // namespace triptych

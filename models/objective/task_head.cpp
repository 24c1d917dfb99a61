#include "models/objective/task_head.h"

#include "ops/concat.h"

namespace triptych {

const Var& code_of(const Factors& f, const CodeRef& ref) {
  switch (ref.side) {
    case CodeRef::Side::private_code: return f.private_codes[ref.modality];
    case CodeRef::Side::shared_code: return f.shared_codes[ref.modality];
    case CodeRef::Side::joint: return f.joint;
    default: return f.joint_tokens.x;
  }
}

namespace {

std::int64_t width_of(const std::vector<CodeRef>& codes, std::int64_t private_width, std::int64_t shared_width) {
  std::int64_t width = 0;
  for (const CodeRef& code : codes) width += code.side == CodeRef::Side::private_code ? private_width : shared_width;
  return width;
}

}  // namespace

TaskHead::TaskHead(const Init& init, std::vector<CodeRef> codes, std::int64_t private_width, std::int64_t shared_width,
                   std::int64_t outputs)
    : codes_(std::move(codes)), map_(init, "task", width_of(codes_, private_width, shared_width), outputs) {}

Var TaskHead::operator()(const Context& c, const Factors& f) const {
  std::vector<Var> parts;
  for (const CodeRef& code : codes_) {
    parts.push_back(code_of(f, code));
    if (!parts.back()) return {};
  }
  return map_(c, parts.size() == 1 ? parts[0] : concat(parts, 1));
}

}  // namespace triptych

#include "losses/shapes.h"

#include "core/require.h"

namespace triptych {

void require_codes(std::string_view loss, std::string_view name, const Var& z, std::int64_t least) {
  require(z.shape().rank() == 2 && z.shape()[0] >= least && z.shape()[1] >= 1, loss, name, z,
          least == 2 ? "(n, d) with n >= 2" : "(n, d) with n >= 1");
}

void require_same_rows(std::string_view loss, const Var& a, const Var& b, std::int64_t least) {
  require_codes(loss, "a", a, least);
  require_codes(loss, "b", b, least);
  require(a.shape()[0] == b.shape()[0], loss, "b", b, "of as many rows as a", "a", a);
}

void require_pairs(std::string_view loss, const Var& a, const Var& b, std::int64_t least) {
  require_codes(loss, "a", a, least);
  require(b.shape() == a.shape(), loss, "b", b, "of the shape of a", "a", a);
}

}  // namespace triptych

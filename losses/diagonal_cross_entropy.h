#pragma once

#include "core/tape.h"

namespace triptych {

// What the contrastive losses share: row i of the similarities s (n, n) should pick column i.
//
//   mean over i of  logsumexp_j s_ij - s_ii
Var diagonal_cross_entropy(const Var& s);
// Half of that for s plus half for its transpose: rows pick columns, and columns pick rows.
Var symmetric_cross_entropy(const Var& s);

}  // namespace triptych

#pragma once

#include "core/op_info.h"

namespace triptych {

// Mean of table rows, bag by bag: table (n, d), index int32 (t), offset int32 (b + 1) -> (b, d). Bag i owns
// index[offset[i]] .. index[offset[i+1] - 1]; an empty bag is zero. Throws Error(input) naming the place when an index
// is not a row, or when offset does not rise from 0 to t.
Var embedding_bag(const Var& table, const Var& index, const Var& offset);

const OpInfo& embedding_bag_info();

}  // namespace triptych

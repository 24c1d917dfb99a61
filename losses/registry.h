// Every loss, in the one explicit list.
#pragma once

#include <span>

#include "core/op_info.h"

namespace triptych {

std::span<const OpInfo* const> all_losses();

}  // namespace triptych

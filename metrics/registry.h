// Every metric, in the one explicit list. Their inputs are constants: a metric judges, nothing is trained on it.
#pragma once

#include <span>

#include "core/op_info.h"

namespace triptych {

std::span<const OpInfo* const> all_metrics();

}  // namespace triptych

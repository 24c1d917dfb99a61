// Every command of the program, in the one explicit list, in the order of the overview.
#pragma once

#include <span>

#include "app/command.h"

namespace triptych::app {

std::span<const Command* const> all_commands();

extern const Command demo_command, train_command, eval_command, encode_command, generate_command, report_command,
    inspect_command, gradcheck_command, explain_command, compute_command, tape_command, audit_command, bench_command,
    doctor_command;

}  // namespace triptych::app

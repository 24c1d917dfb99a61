#include "app/commands.h"

namespace triptych::app {

std::span<const Command* const> all_commands() {
  static constexpr const Command* list[] = {
      &demo_command,   &train_command,   &eval_command,      &encode_command,  &generate_command,
      &report_command, &inspect_command, &gradcheck_command, &explain_command, &compute_command,
      &tape_command,   &audit_command,   &bench_command,     &doctor_command,
  };
  return list;
}

}  // namespace triptych::app

// How the program ends when something went wrong.
#pragma once

namespace triptych::app {

// Reports the exception being handled on standard error, as two lines or, with json, as one object
// {"error": {"code", "exit", "message", "file", "hint"}}, and returns the exit status. Call inside a catch block.
int report_failure(bool json);

}  // namespace triptych::app

// RUN/report.html: what a run learned, for people; one file that opens without a network and without scripts.
#pragma once

#include <string>

namespace triptych::app {

// Opens the run, judges its newest checkpoint on held-out data, and replaces RUN/report.html (whole or not at all).
// Gives the path. Throws what open_run, evaluate and write_file_atomically throw.
std::string write_report(const std::string& run);

}  // namespace triptych::app

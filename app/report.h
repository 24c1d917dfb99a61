// RUN/report.html: what a run learned, for people; one file that opens without a network and without scripts.
#pragma once

#include <string>
#include <vector>

#include "app/report_content.h"

namespace triptych::app {

struct WrittenReport {
  std::string path;
  std::vector<Verdict> verdicts;
};
// Opens the run, judges its newest checkpoint on held-out data, and replaces `path` (RUN/report.html when empty; whole
// or not at all). Throws what read_report and write_file_atomically throw.
WrittenReport write_report(const std::string& run, std::string path = {});

// The page while training goes on: what is known of the run, its curves, no figures of the model. `about` holds what
// does not change; the curves are those that the run's metrics.jsonl holds now.
std::string live_report(const ReportContent& about);

// As often as a page of a run in training loads itself again.
inline constexpr int live_refresh_seconds = 10;

// Several runs on one page: their curves on top of each other, their figures and what differs in their settings side by
// side. Throws Error(usage, "report.runs") for more than can be told apart.
std::string compare_html(const std::vector<ReportContent>& runs);

}  // namespace triptych::app

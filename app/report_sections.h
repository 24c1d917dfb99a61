// The sections of a report, one file each (report_NAME.cpp), in the order of the page. Each gives HTML, or nothing when
// the run has nothing of its kind. Those that judge the model need ReportContent::evaluation.
#pragma once

#include <string>

#include "app/report_content.h"

namespace triptych::app {

std::string introduction_section(const ReportContent& c);
std::string verdict_section(const ReportContent& c);
std::string findings_section(const ReportContent& c);  // evaluation
std::string panels_section(const ReportContent& c);    // evaluation
std::string examples_section(const ReportContent& c);
std::string swaps_section(const ReportContent& c);
std::string retrieval_section(const ReportContent& c);   // evaluation
std::string similarity_section(const ReportContent& c);  // evaluation
std::string scatter_section(const ReportContent& c);
std::string attention_section(const ReportContent& c);
std::string curves_section(const ReportContent& c);
std::string origin_section(const ReportContent& c);

std::string shown_html(const Shown& s);       // a picture, or a text with its gloss below
std::string brand(const std::string& words);  // the line above the title
std::string duration_text(double seconds);    // "4 min 10 s"

// The class that colours a code: the private codes of two modalities have one each, shared ones another.
std::string tone(const ReportContent& c, const std::string& code);

}  // namespace triptych::app

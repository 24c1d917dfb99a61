// The few pieces of HTML that a report is made of. Every text from outside goes through html_text.
#pragma once

#include <string>
#include <string_view>

namespace triptych::app {

// Text as HTML, inside elements and quoted attributes: & < > " ' are replaced, and what escape_text makes visible
// (control and direction-changing characters) is visible here too.
std::string html_text(std::string_view text);

std::string percent_text(double fraction);         // "12.9 %"
std::string fixed_text(double value, int digits);  // "0.42"; "undefined" when not finite
std::string grouped_text(std::int64_t n);          // "12,345"

// A section's title and what to look for in it. HTML, both of them.
std::string heading(const std::string& title, const std::string& words);

// A whole page: no scripts, nothing fetched (its Content-Security-Policy forbids both), light and dark, printable.
std::string html_page(std::string_view title, std::string_view body);

}  // namespace triptych::app

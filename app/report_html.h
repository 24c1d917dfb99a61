// The few pieces of HTML that a report is made of. Every text from outside goes through html_text.
#pragma once

#include <string>
#include <string_view>

#include "app/terminal.h"  // fixed_text

namespace triptych::app {

// Text as HTML, inside elements and quoted attributes: & < > " ' are replaced, and what escape_text makes visible
// (control and direction-changing characters) is visible here too.
std::string html_text(std::string_view text);

std::string percent_text(double fraction);  // "12.9 %", kept on one line
std::string grouped_text(std::int64_t n);   // "12,345"

// A section's title and what to look for in it. HTML, both of them.
std::string heading(const std::string& title, const std::string& words);

// Links to every heading of a body.
std::string contents_of(std::string_view body);
std::string subheading(const std::string& title, const std::string& words);

// A region that scrolls sideways where its content is wider than the page; reached by keyboard, so it has a name.
std::string scroll_start(const std::string& name, const std::string& classes = {});
inline constexpr std::string_view scroll_end = "</div>\n";

// A whole page: no scripts, nothing fetched (its Content-Security-Policy forbids both), light and dark, printable.
// refresh_after: seconds after which it loads itself again; 0: never.
std::string html_page(std::string_view title, std::string_view body, int refresh_after = 0);

}  // namespace triptych::app

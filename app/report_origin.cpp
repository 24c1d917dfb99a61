#include "app/report_html.h"
#include "app/report_sections.h"
#include "core/error.h"

namespace triptych::app {
namespace {

// A path as one word of a shell.
std::string shell_word(const std::string& text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-";
  if (!text.empty() && text[0] != '-' && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

}  // namespace

std::string origin_section(const ReportContent& c) {
  const std::string run = html_text(shell_word(c.run));
  std::string out = heading("Where this comes from",
                            "Any change of settings, data or seed is another run; the number of threads is "
                            "not: every number here is the same for any.");
  out += scroll_start("origin", "card") + "<table><tr><td>program</td><td class=\"left\">triptych " TRIPTYCH_VERSION
                                          "</td></tr>\n";
  out += "<tr><td>data</td><td class=\"left\">" + html_text(c.data) + "</td></tr>\n";
  out += "<tr><td>fingerprint of the data</td><td class=\"left\"><code>" + html_text(c.fingerprint) +
         "</code></td></tr>\n";
  out += "<tr><td>checkpoint</td><td class=\"left\">step " + grouped_text(c.step) + "</td></tr>\n";
  out += "<tr><td>seed</td><td class=\"left\">" + std::to_string(c.config.train.seed) + "</td></tr></table>" +
         std::string(scroll_end);
  out += "<h3 class=\"sub\">Do it again</h3>\n<pre>triptych train --config " +
         html_text(shell_word(c.run + "/config.toml")) + " --out runs/again\n" + "triptych eval " + run +
         " --json\ntriptych encode " + run + " --out codes.safetensors\ntriptych report " + run + "</pre>\n";
  out += "<details><summary>All settings (config.toml)</summary><pre>";
  std::string toml = to_toml(c.config);
  for (std::size_t at = 0; at < toml.size();) {  // line by line: a line feed is the one control character to keep
    const std::size_t end = std::min(toml.find('\n', at), toml.size());
    out += html_text(toml.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return out + "</pre></details>\n";
}

}  // namespace triptych::app

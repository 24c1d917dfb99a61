#include "app/report_html.h"
#include "app/report_sections.h"
#include "core/error.h"

namespace triptych::app {

std::string origin_section(const ReportContent& c) {
  const std::string run = html_text(c.run);
  std::string out = heading("Where this comes from",
                            "Any change of settings, data or seed is another run; the number of threads is "
                            "not: every number here is the same for any.");
  out += "<div class=\"card scroll\"><table><tr><td>program</td><td class=\"left\">triptych " TRIPTYCH_VERSION
         "</td></tr>\n";
  out += "<tr><td>data</td><td class=\"left\">" + html_text(c.data) + "</td></tr>\n";
  out += "<tr><td>fingerprint of the data</td><td class=\"left\"><code>" + html_text(c.fingerprint) +
         "</code></td></tr>\n";
  out += "<tr><td>checkpoint</td><td class=\"left\">step " + grouped_text(c.step) + "</td></tr>\n";
  out += "<tr><td>seed</td><td class=\"left\">" + std::to_string(c.config.train.seed) + "</td></tr></table></div>\n";
  out += "<h3 style=\"margin-top:22px\">Do it again</h3>\n<pre>triptych train --config " + run +
         "/config.toml --out runs/again\n" + "triptych eval " + run + " --json\ntriptych encode " + run +
         " --out codes.safetensors\ntriptych report " + run + "</pre>\n";
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

#include "app/report_html.h"

#include "app/report_style.h"
#include "core/error.h"

namespace triptych::app {

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : escape_text(text, 1 << 20)) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  return out;
}

std::string percent_text(double fraction) { return fixed_text(100 * fraction, 1) + "\u00a0%"; }

std::string grouped_text(std::int64_t n) {
  std::string digits = std::to_string(n);
  for (std::ptrdiff_t i = std::ssize(digits) - 3; i > (n < 0 ? 1 : 0); i -= 3)
    digits.insert(static_cast<std::size_t>(i), 1, ',');
  return digits;
}

std::string heading(const std::string& title, const std::string& words) {
  std::string id;
  for (const char c : title)
    if (c != ' ' && c != ',') id += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return "<h2 id=\"" + id + "\">" + title + "</h2>\n<p class=\"soft\">" + words + "</p>\n";
}

std::string contents_of(std::string_view body) {
  constexpr std::string_view start = "<h2 id=\"", end = "</h2>";
  std::string out = "<nav class=\"contents\" aria-label=\"sections\">";
  for (std::size_t at; (at = body.find(start)) != std::string_view::npos;) {
    body.remove_prefix(at + start.size());
    const std::string_view entry = body.substr(0, body.find(end));  // id">title
    out += "<a href=\"#" + std::string(entry) + "</a> ";
  }
  return out + "</nav>\n";
}

std::string subheading(const std::string& title, const std::string& words) {
  return "<h3 class=\"sub\">" + title + "</h3>\n<p class=\"soft small\">" + words + "</p>\n";
}

std::string scroll_start(const std::string& name, const std::string& classes) {
  return "<div class=\"scroll" + (classes.empty() ? "" : " " + classes) +
         "\" role=\"region\" tabindex=\"0\" aria-label=\"" + html_text(name) + "\">";
}

std::string html_page(std::string_view title, std::string_view body, int refresh_after) {
  std::string page = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  page +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
      "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n";
  if (refresh_after > 0) page += "<meta http-equiv=\"refresh\" content=\"" + std::to_string(refresh_after) + "\">\n";
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page += "<meta name=\"color-scheme\" content=\"light dark\">\n";
  page += "<title>" + html_text(title) + "</title>\n<style>\n" + std::string(report_style) + "</style>\n</head>\n";
  page += "<body>\n" + std::string(body) + "</body>\n</html>\n";
  return page;
}

}  // namespace triptych::app

#include "app/report_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "app/report_html.h"
#include "app/terminal.h"

namespace triptych::app {
namespace {

constexpr double width = 320, height = 150, left = 44, right = 8, top = 10, bottom = 22;

bool drawable(double v) { return std::abs(v) < 1e150; }  // not for NaN; sums of such values stay finite

// A number short enough for an axis.
std::string tick_text(double v) {
  if (v != 0 && (std::abs(v) < 1e-4 || std::abs(v) >= 1e6)) return short_text(v);
  std::string text = fixed_text(v, std::abs(v) >= 100 ? 0 : std::abs(v) >= 1 ? 2 : 4);
  if (text.find('.') != std::string::npos) text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

// From values to the page. With `log`, values are positive.
struct Scale {
  double low = 0, high = 1;
  bool log = false;
  double y(double v) const {
    const double t = log ? (std::log(v) - std::log(low)) / (std::log(high) - std::log(low)) : (v - low) / (high - low);
    return top + (1 - t) * (height - top - bottom);
  }
  // Places and their texts, with as many decimals as tell neighbours apart.
  std::vector<std::pair<double, std::string>> ticks() const {
    std::vector<std::pair<double, std::string>> all;
    if (log) {
      const int first = static_cast<int>(std::ceil(std::log10(low) - 1e-9));
      const int last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
      const int stride = std::max(1, (last - first + 3) / 4);
      for (int e = first; e <= last; e += stride) all.emplace_back(std::pow(10, e), tick_text(std::pow(10, e)));
      return all;
    }
    const double span = high - low, power = std::pow(10, std::floor(std::log10(span / 3)));
    const double unit = span / 3 / power, stride = (unit < 1.5 ? 1 : unit < 3.5 ? 2 : unit < 7.5 ? 5 : 10) * power;
    const double first = std::ceil(low / stride - 1e-9);
    const int digits = static_cast<int>(std::clamp(std::ceil(-std::log10(stride) - 1e-9), 0.0, 12.0));
    for (int i = 0; i < 8 && (first + i) * stride <= high + 1e-9 * span; ++i) {
      const double v = (first + i) * stride;
      const bool plain = stride >= 1e-4 && std::max(std::abs(low), std::abs(high)) < 1e6;
      all.emplace_back(v, plain ? fixed_text(v + 0.0, digits) : tick_text(v));
    }
    return all;
  }
};

std::optional<Scale> scale_of(const std::vector<double>& values) {
  Scale s{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  std::vector<double> finite;
  for (const double v : values)
    if (drawable(v)) {
      finite.push_back(v);
      s.low = std::min(s.low, v);
      s.high = std::max(s.high, v);
    }
  if (s.low > s.high) return std::nullopt;
  std::nth_element(finite.begin(), finite.begin() + std::ssize(finite) / 2, finite.end());
  s.log = s.low > 0 && s.high > 30 * finite[finite.size() / 2];
  if (s.log) return s;
  if (s.low > 0 && s.low < 0.4 * s.high) s.low = 0;
  if (s.high - s.low < 1e-9 * std::max(std::abs(s.high), 1e-300)) {  // a constant: with 0 in sight
    s.low = std::min(0.0, 1.25 * s.low);
    s.high = s.high > 0 ? 1.25 * s.high : s.low < 0 ? 0 : 1;
  }
  return s;
}

std::string point(double x, double y) { return fixed_text(x, 1) + "," + fixed_text(y, 1); }

std::string line(double x1, double y1, double x2, double y2) {
  return "<line class=\"grid\" x1=\"" + fixed_text(x1, 1) + "\" y1=\"" + fixed_text(y1, 1) + "\" x2=\"" +
         fixed_text(x2, 1) + "\" y2=\"" + fixed_text(y2, 1) + "\"/>";
}

std::string label(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + fixed_text(x, 1) + "\" y=\"" + fixed_text(y, 1) + "\" text-anchor=\"" + anchor + "\">" + text +
         "</text>";
}

std::string last_text(const Series& s) {
  return s.value.empty() ? "–" : std::isfinite(s.value.back()) ? tick_text(s.value.back()) : "undefined";
}

// The lines of one series between its gaps.
std::string drawn(const Series& s, const Scale& scale, std::int64_t first, std::int64_t last, const std::string& colour,
                  std::size_t points) {
  std::string out;
  std::vector<std::string> piece;
  const auto finish = [&] {
    if (piece.size() == 1) {
      const std::size_t comma = piece[0].find(',');
      out += "<circle class=\"dot" + colour + "\" r=\"2.5\" cx=\"" + piece[0].substr(0, comma) + "\" cy=\"" +
             piece[0].substr(comma + 1) + "\"/>";
    } else if (piece.size() > 1) {
      out += "<polyline class=\"curve" + colour + "\" points=\"";
      for (const std::string& p : piece) out += p + " ";
      out += "\"/>";
    }
    piece.clear();
  };
  const std::size_t n = s.value.size(), stride = (n + points - 1) / points;
  for (std::size_t i = 0; i < n; i = i + 1 < n && i + stride >= n ? n - 1 : i + stride) {  // the last point always
    const double part = last > first ? static_cast<double>(s.step[i] - first) / static_cast<double>(last - first) : 0.5;
    if (drawable(s.value[i]))
      piece.push_back(point(left + part * (width - left - right), scale.y(s.value[i])));
    else
      finish();
  }
  finish();
  return out;
}

std::string legend(std::span<const Curve> curves) {
  std::string out = "<ul class=\"legend\">";
  for (std::size_t i = 0; i < curves.size(); ++i)
    out += "<li><svg viewBox=\"0 0 26 8\" aria-hidden=\"true\"><line class=\"curve c" + std::to_string(i) +
           "\" x1=\"0\" y1=\"4\" x2=\"26\" y2=\"4\"/></svg><span>" + html_text(curves[i].label) +
           "</span> <span class=\"soft\">" + last_text(*curves[i].series) + "</span></li>";
  return out + "</ul>";
}

}  // namespace

std::string chart(const std::string& title, std::span<const Curve> curves, const std::string& note,
                  std::size_t points) {
  std::vector<double> values;
  std::int64_t first = std::numeric_limits<std::int64_t>::max(), last = std::numeric_limits<std::int64_t>::min();
  std::string ends;  // in words, for who cannot see the curves
  for (const Curve& c : curves) {
    values.insert(values.end(), c.series->value.begin(), c.series->value.end());
    if (c.series->step.empty()) continue;
    first = std::min(first, c.series->step.front());
    last = std::max(last, c.series->step.back());
    ends += (ends.empty() ? ": " : ", ") + (c.label.empty() ? "" : c.label + " ") + "ends at " + last_text(*c.series);
  }
  const std::optional<Scale> scale = scale_of(values);
  std::string out =
      "<figure class=\"card chart\"><figcaption><span>" + html_text(title) +
      (scale && scale->log ? " <span class=\"soft\">(log)</span>" : "") + "</span>" +
      (curves.size() == 1 ? "<span class=\"soft\">last " + last_text(*curves[0].series) + "</span>" : "") +
      "</figcaption><svg viewBox=\"0 0 320 150\" role=\"img\" aria-label=\"" +
      html_text(title + " over training" + ends) + "\">";
  if (!scale) {
    out += label(width / 2, height / 2, "middle", values.empty() ? "nothing was logged" : "undefined: no finite value");
  } else {
    for (const auto& [v, text] : scale->ticks())
      out += line(left, scale->y(v), width - right, scale->y(v)) + label(left - 6, scale->y(v) + 4, "end", text);
    out += label(last > first ? left : (left + width - right) / 2, height - 6, last > first ? "start" : "middle",
                 grouped_text(first));
    if (last > first) out += label(width - right, height - 6, "end", "step " + grouped_text(last));
    for (std::size_t i = 0; i < curves.size(); ++i)
      out += drawn(*curves[i].series, *scale, first, last, curves.size() > 1 ? " c" + std::to_string(i) : "", points);
  }
  out += "</svg>";
  if (curves.size() > 1) out += legend(curves);
  if (!note.empty()) out += "<div class=\"soft small\">" + html_text(note) + "</div>";
  return out + "</figure>\n";
}

std::string bar(double value, double chance, bool wanted, const std::string& label) {
  const double v = std::isfinite(value) ? std::clamp(value, 0.0, 1.0) : 0;
  std::string out = "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"" +
                    html_text(label) + "\"><rect class=\"track\" width=\"100\" height=\"10\"/><rect class=\"fill" +
                    (wanted ? "" : " unwanted") + "\" width=\"" + fixed_text(100 * v, 2) + "\" height=\"10\"/>";
  if (chance >= 0) {
    const std::string at = fixed_text(100 * std::min(chance, 1.0), 2);
    out += "<line class=\"chance\" x1=\"" + at + "\" x2=\"" + at + "\" y1=\"0\" y2=\"10\"/>";
  }
  return out + "</svg>";
}

}  // namespace triptych::app

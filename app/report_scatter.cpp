#include <algorithm>
#include <array>
#include <cmath>

#include "app/report_content.h"
#include "app/report_html.h"
#include "app/report_sections.h"
#include "metrics/pca.h"

namespace triptych::app {
namespace {

constexpr std::size_t most_points = 400, most_colours = 8;

struct Rows {  // of one code, stacked
  Tensor values;
  std::vector<std::size_t> of;
};

void add(Rows& to, const Tensor& code, const std::vector<std::size_t>& of) {
  const std::int64_t before = to.values ? to.values.shape()[0] : 0, n = code.shape()[0], d = code.shape()[1];
  Tensor all({before + n, d}, DType::f64);
  for (std::int64_t i = 0; i < before * d; ++i) all.set(i, to.values.at(i));
  for (std::int64_t i = 0; i < n * d; ++i) all.set(before * d + i, code.at(i));
  to.values = all;
  to.of.insert(to.of.end(), of.begin(), of.end());
}

Scatter scatter(std::string title, std::string words, std::vector<std::string> classes, const Rows& rows) {
  Scatter s{std::move(title), std::move(words), std::move(classes), {}, {}};
  const metrics::Components pc = metrics::principal_components(rows.values, 2);
  s.explained[0] = pc.explained[0];
  s.explained[1] = pc.explained[1];
  const std::size_t n = rows.of.size(), stride = (n + most_points - 1) / most_points;
  for (std::size_t i = 0; i < n; i += stride) {
    const auto at = static_cast<std::int64_t>(i);
    s.points.push_back({pc.scores.at(2 * at), pc.scores.at(2 * at + 1), rows.of[i]});
  }
  return s;
}

// The first factor of the block that the code should hold; null without one that has classes.
const Factor* factor_of(const CodedBlock& b, Factor::Holder holder) {
  for (const Factor& f : b.factors)
    if (f.holder == holder && !f.labels.empty()) return &f;
  return nullptr;
}

// The points of one class as one path: a colour of eight and one of four shapes, so that neither has to be told alone.
std::string marks(const Scatter& s, std::size_t of, double scale) {
  constexpr const char* shapes[] = {"h0", "m-3 0h6m-3-3v6", "m-2.2-2.2l4.4 4.4m0-4.4l-4.4 4.4", "m0-3l2.8 5h-5.6z"};
  const std::size_t shape = (of + of / most_colours) % 4;
  std::string path;
  for (const Scatter::Point& p : s.points)
    if (p.of == of)
      path += "M" + fixed_text(160 + scale * p.x, 1) + " " + fixed_text(160 - scale * p.y, 1) + shapes[shape];
  if (path.empty()) return "";
  return std::string("<path class=\"mark") + (shape == 0 ? "" : " thin") + " c" + std::to_string(of % most_colours) +
         "\" d=\"" + path + "\"/>";
}

std::string drawing(const Scatter& s) {
  double far = 0;
  for (const Scatter::Point& p : s.points) far = std::max({far, std::abs(p.x), std::abs(p.y)});
  std::string out = "<figure class=\"card chart\"><figcaption><span>" + html_text(s.title) + "</span></figcaption>";
  const std::string axes =
      "PC 1 (" + percent_text(s.explained[0]) + " of the variance), PC 2 (" + percent_text(s.explained[1]) + ")";
  out += "<svg viewBox=\"0 0 320 320\" role=\"img\" aria-label=\"" +
         html_text("Scatter of " + s.title + ", " + std::to_string(s.points.size()) + " points, " + axes) + "\">";
  if (!(far > 0) || !std::isfinite(far)) {
    out += "<text x=\"160\" y=\"160\" text-anchor=\"middle\">undefined: the code is constant</text>";
  } else {
    out +=
        "<line class=\"grid\" x1=\"160\" x2=\"160\" y1=\"6\" y2=\"314\"/><line class=\"grid\" x1=\"6\" x2=\"314\" "
        "y1=\"160\" y2=\"160\"/>";
    for (std::size_t k = 0; k < std::max<std::size_t>(1, s.classes.size()); ++k) out += marks(s, k, 150 / far);
  }
  out += "</svg>";
  if (s.classes.size() > 1) {
    out += "<ul class=\"legend\">";
    for (std::size_t k = 0; k < s.classes.size(); ++k) {
      const Scatter one{"", "", {}, {{0, 0, k}}, {}};
      out += "<li><svg class=\"dot-key\" viewBox=\"154 154 12 12\" aria-hidden=\"true\">" + marks(one, k, 1) +
             "</svg><span>" + html_text(s.classes[k]) + "</span></li>";
    }
    out += "</ul>";
  }
  return out + "<div class=\"soft small\">" + html_text(axes) + ". " + html_text(s.words) + "</div></figure>\n";
}

}  // namespace

std::vector<Scatter> code_scatters(const Codes& codes) {
  std::vector<Scatter> all;
  const auto gather = [&](Tensor CodedBlock::*code, std::size_t m, Factor::Holder holder, Rows& rows,
                          std::vector<std::string>& classes) {
    std::string name;
    for (const CodedBlock& b : codes.test) {
      if (b.modality != m) continue;
      const Factor* f = factor_of(b, holder);
      std::vector<std::size_t> of(b.item.size(), 0);
      if (f) {
        name = f->name;
        classes = f->classes;
        for (std::size_t i = 0; i < of.size(); ++i) of[i] = static_cast<std::size_t>(std::max(0, f->labels[i]));
      }
      add(rows, b.*code, of);
    }
    return name;
  };
  Rows shared;
  for (const CodedBlock& b : codes.test)
    add(shared, b.shared_code, std::vector<std::size_t>(b.item.size(), b.modality));
  all.push_back(scatter("shared codes by modality",
                        "Expected: the modalities lie on top of each other; apart, the code still tells them.",
                        codes.modalities, shared));
  for (std::size_t m = 0; m < codes.modalities.size(); ++m)
    for (const bool of_private : {true, false}) {
      Rows rows;
      std::vector<std::string> classes;
      const std::string factor = gather(of_private ? &CodedBlock::private_code : &CodedBlock::shared_code, m,
                                        of_private ? Factor::Holder::own : Factor::Holder::shared, rows, classes);
      if (factor.empty() && !of_private) continue;  // the first picture shows as much
      all.push_back(
          scatter((of_private ? "private." : "shared.") + codes.modalities[m] + (factor.empty() ? "" : " by " + factor),
                  factor.empty() ? "One point an item." : "Expected: " + factor + " gathers in places of its own.",
                  classes, rows));
    }
  return all;
}

std::string scatter_section(const ReportContent& c) {
  if (c.scatters.empty()) return "";
  std::string out =
      heading("The codes, seen",
              "Held-out codes in the two directions in which they vary most (PCA). Much may be hidden in the "
              "others: what looks mixed here may still be apart.");
  out += "<div class=\"charts\">\n";
  for (const Scatter& s : c.scatters) out += drawing(s);
  return out + "</div>\n";
}

}  // namespace triptych::app

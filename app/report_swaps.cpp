#include <algorithm>
#include <tuple>

#include "app/evaluation_parts.h"
#include "app/generation.h"
#include "app/report_content.h"
#include "app/report_html.h"
#include "app/report_png.h"
#include "app/report_sections.h"

namespace triptych::app {
namespace {

constexpr std::int64_t shown_swaps = 4, drawn_swaps = 6;

// (V, n, width) of the views.
Tensor by_view(const Views& views, Tensor CodedBlock::*code) {
  const Tensor rows = stacked(views, code);
  return rows.reshaped({std::ssize(views), rows.shape()[0] / std::ssize(views), rows.shape()[1]});
}

std::string cell(const Shown& s, const std::string& words) {
  return "<td class=\"left\">" + shown_html(s) + "<br><span class=\"soft small\">" + words + "</span></td>";
}

std::string rate(const std::string& what, const metrics::SwapScore::Share& share) {
  return what + " " + percent_text(share.value) + " (chance " + percent_text(share.chance) + ")";
}

std::string found_by_codes(const FoundSwaps& s) {
  std::string out = subheading(
      html_text(s.modality) + ", found",
      "The shared code of one sample and the private code of another, put together: whose are they, among all " +
          grouped_text(s.candidates) +
          " held-out samples? Right is the first one's item as the second one is drawn or worded. Of as many swaps: " +
          rate("right", s.score.right) + ", " + rate("the item", s.score.item) + ", " +
          rate("the style or wording", s.score.view) + ".");
  out += scroll_start("swaps of " + s.modality, "card") + "<table><caption>swaps of " + html_text(s.modality) +
         "</caption><tr><th scope=\"col\" class=\"left\">shared code of</th>"
         "<th scope=\"col\" class=\"left\">private code of</th><th scope=\"col\" class=\"left\">found</th></tr>\n";
  for (const FoundSwaps::Example& e : s.examples)
    out += "<tr>" + cell(e.item, html_text(e.item_view)) + cell(e.donor, html_text(e.donor_view)) +
           cell(e.found, html_text(e.found_view) + (e.right ? " · ✓ right" : " · not what was asked for")) + "</tr>\n";
  return out + "</table>" + std::string(scroll_end);
}

std::string drawn_by_flow(const DrawnSwaps& d) {
  std::string words =
      "What the run's flow draws of held-out samples, from noise. First the sample; then for " +
      html_text(names(d.views)) +
      " in turn the picture that gives the private code, and what is drawn from that and the sample's joint code.";
  for (const FactorRead& f : d.factors)
    words += " A probe fitted on real pictures reads the donor's " + html_text(f.factor) + " from " +
             percent_text(f.generated) + " of these " + grouped_text(f.n) + " (from real ones " + percent_text(f.real) +
             ", chance " + percent_text(f.chance) + ").";
  return subheading(html_text(d.modality) + ", drawn", words) + scroll_start("drawn swaps", "card") +
         "<img class=\"grid\" width=\"" + std::to_string(d.width) + "\" height=\"" + std::to_string(d.height) +
         "\" alt=\"" +
         html_text("Pictures of " + names(d.items) +
                   ", each drawn from its own joint code and the private code of the next") +
         "\" src=\"" + d.picture + "\">" + std::string(scroll_end);
}

}  // namespace

std::vector<FoundSwaps> found_swaps(const EmojiSource& data, const Codes& codes) {
  std::vector<FoundSwaps> all;
  for (std::size_t m = 0; m < codes.modalities.size(); ++m) {
    const Views views = views_of(codes.test, m);
    const std::int64_t n = views.empty() ? 0 : std::ssize(views[0]->item);
    if (views.size() < 2 || n < 2) continue;
    FoundSwaps s{
        codes.modalities[m],
        metrics::swap_retrieval(by_view(views, &CodedBlock::shared_code), by_view(views, &CodedBlock::private_code)),
        std::ssize(views) * n,
        {}};
    const auto at = [&](std::int64_t row) {
      const auto view = static_cast<std::size_t>(row / n);
      return std::pair(shown_item(data.pairs(), codes.modalities[m] == "image", view,
                                  views[view]->item[static_cast<std::size_t>(row % n)]),
                       views[view]->view);
    };
    for (std::int64_t e = 0; e < std::min(shown_swaps, n); ++e) {
      const std::int64_t item = (2 * e + 1) * n / (2 * std::min(shown_swaps, n));
      const std::int64_t view = e % std::ssize(views), other = (view + 1) % std::ssize(views);
      const std::int64_t found = s.score.found[static_cast<std::size_t>(view * n + item)];
      FoundSwaps::Example x;
      x.right = found == other * n + item;
      std::tie(x.item, x.item_view) = at(view * n + item);
      std::tie(x.donor, x.donor_view) = at(other * n + (item + 1) % n);
      std::tie(x.found, x.found_view) = at(found);
      s.examples.push_back(std::move(x));
    }
    all.push_back(std::move(s));
  }
  return all;
}

std::optional<DrawnSwaps> drawn_swaps_of(const Model& model, const EmojiSource& data) {
  const std::vector<ModalitySpec>& specs = model.config().modalities;
  for (std::size_t m = 0; m < specs.size(); ++m) {
    if (specs[m].kind != ModalityKind::image || !model.generates(m)) continue;
    if (data.test_items() < 2) return {};
    const GenerateRequest request{.modality = m, .items = drawn_swaps};
    const Generated made = generate(model, data, request);
    const PictureGrid grid = picture_grid(specs[m], made, request.mode, drawn_swaps);
    DrawnSwaps d{specs[m].name, made.views, {}, made.factors, png_uri(grid.rgb.data(), grid.width, grid.height),
                 grid.width,    grid.height};
    for (const std::int32_t i : made.items)
      d.items.push_back(data.pairs().concepts[static_cast<std::size_t>(i)].english);
    return d;
  }
  return {};
}

std::string swaps_section(const ReportContent& c) {
  if (c.found_swaps.empty() && !c.drawn_swaps) return "";
  std::string out = heading(
      "Swaps",
      "What belongs to one sample is kept and what is another's is changed. Nothing here is picked for its result.");
  if (c.drawn_swaps) out += drawn_by_flow(*c.drawn_swaps);
  for (const FoundSwaps& s : c.found_swaps) out += found_by_codes(s);
  return out;
}

}  // namespace triptych::app

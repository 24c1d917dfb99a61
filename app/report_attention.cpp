#include <algorithm>

#include "app/report_content.h"
#include "app/report_html.h"
#include "app/report_png.h"
#include "app/report_sections.h"

namespace triptych::app {
namespace {

constexpr std::size_t most_pictures = 6;

// Mean over the heads of the maps (B,heads,K,L) of sample b.
std::vector<std::vector<float>> shares_of(const Tensor& probs, std::int64_t b) {
  const Shape& s = probs.shape();
  std::vector<std::vector<float>> all;
  for (std::int64_t k = 0; k < s[2]; ++k) {
    std::vector<float>& query = all.emplace_back(static_cast<std::size_t>(s[3]), 0.0f);
    for (std::int64_t h = 0; h < s[1]; ++h)
      for (std::int64_t j = 0; j < s[3]; ++j)
        query[static_cast<std::size_t>(j)] +=
            static_cast<float>(probs.at(((b * s[1] + h) * s[2] + k) * s[3] + j) / static_cast<double>(s[1]));
  }
  return all;
}

// The picture with a veil that is thin where the query looks: places at or above twice the even share are clear.
std::string look(const std::string& picture, const std::vector<float>& share, std::int64_t columns,
                 const std::string& name) {
  const auto most = std::ranges::max_element(share);
  const std::int64_t at = most - share.begin(), rows = std::ssize(share) / columns;
  const double even = 1.0 / static_cast<double>(share.size());
  std::string out = "<svg viewBox=\"0 0 " + std::to_string(columns) + " " + std::to_string(rows) +
                    "\" role=\"img\" aria-label=\"" +
                    html_text(name + " looks most at row " + std::to_string(at / columns + 1) + ", column " +
                              std::to_string(at % columns + 1) + ": " + percent_text(*most)) +
                    "\"><image width=\"" + std::to_string(columns) + "\" height=\"" + std::to_string(rows) +
                    "\" href=\"" + picture + "\"/>";
  for (std::int64_t i = 0; i < std::ssize(share); ++i)
    out += "<rect class=\"veil\" x=\"" + std::to_string(i % columns) + "\" y=\"" + std::to_string(i / columns) +
           "\" width=\"1\" height=\"1\" fill-opacity=\"" +
           fixed_text(0.85 * (1 - std::min(1.0, share[static_cast<std::size_t>(i)] / (2 * even))), 2) + "\"/>";
  return out + "</svg>";
}

}  // namespace

Attention attention_on_pictures(const Model& model, const EmojiSource& data) {
  Attention all;
  const auto& scheme = model.config().scheme;
  if (std::ranges::find(scheme, "query-banks") == scheme.end() &&
      std::ranges::find(scheme, "typed-slots") == scheme.end())
    return all;
  const std::vector<Block> blocks = data.blocks(true);
  const auto& specs = model.config().modalities;
  std::vector<const Block*> pictures;
  const Block* text = nullptr;
  for (const Block& b : blocks)
    if (specs[b.modality].kind == ModalityKind::image)
      pictures.push_back(&b);
    else if (!text)
      text = &b;
  if (pictures.empty() || !text) return all;
  const std::size_t image = pictures[0]->modality;
  constexpr std::int64_t cell = 8;  // pixels of a position (models/encoders/image.h)
  all.rows = specs[image].height / cell;
  all.columns = specs[image].breadth / cell;

  const std::size_t n = text->item.size(), total = std::min(most_pictures, n);
  Tape tape(cpu_kernels());
  Context context(tape, model.parameters());
  for (std::size_t i = 0; i < total; ++i) {
    const Block& block = *pictures[i % pictures.size()];
    const auto row = static_cast<std::int64_t>((2 * i + 1) * n / (2 * total));
    Batch batch;
    batch.modalities.resize(specs.size());
    for (const Block* b : {text, &block})
      batch.modalities[b->modality] = rows(specs[b->modality], b->values, row, row + 1);
    context.begin(false);
    const Factors f = model.factors(context, batch, {.joint = false, .maps = true});
    for (const AttentionMap& map : f.attention) {
      if (map.modality != image || map.probs.shape()[3] != all.rows * all.columns) continue;
      const bool shared = map.reader == AttentionMap::Reader::shared_code;
      const auto concept_index = static_cast<std::size_t>(block.item[static_cast<std::size_t>(row)]);
      const data::EmojiPairs& pairs = data.pairs();
      all.looks.push_back(
          {(shared ? "shared." : "private.") + specs[image].name,
           {png_uri(pairs.picture(i % pictures.size(), concept_index), data::emoji_side, data::emoji_side), "",
            pairs.concepts[concept_index].english},
           shares_of(map.probs.value(), 0)});
    }
  }
  if (all.looks.empty())
    all.absent =
        "The encoder gave the scheme one token for a whole picture, so there are no places to look at. With "
        "--set model.image_tokens=map a picture is read position by position.";
  return all;
}

std::string attention_section(const ReportContent& c) {
  const Attention& a = c.attention;
  if (a.looks.empty() && a.absent.empty()) return "";
  std::string out = heading("Where it looks",
                            "Held-out pictures as each query or slot reads them (mean over heads). What it looks at is "
                            "clear, the rest is veiled. Good: the drawing rather than the blank around it, and not all "
                            "the same place.");
  if (a.looks.empty()) return out + "<p class=\"note\">" + html_text(a.absent) + "</p>\n";
  out += scroll_start("attention on pictures", "card") + "<table class=\"looks\"><tr><th scope=\"col\">picture</th>";
  std::size_t most = 0;
  for (const auto& l : a.looks) most = std::max(most, l.share.size());
  for (std::size_t k = 0; k < most; ++k) out += "<th scope=\"col\">" + std::to_string(k + 1) + "</th>";
  out += "</tr>\n";
  for (const auto& l : a.looks) {
    out += "<tr><th scope=\"row\"><img alt=\"\" src=\"" + l.picture.picture + "\"><span>" + html_text(l.picture.gloss) +
           "<br><span class=\"soft small\">" + html_text(l.reader) + "</span></span></th>";
    for (std::size_t k = 0; k < l.share.size(); ++k)
      out += "<td>" + look(l.picture.picture, l.share[k], a.columns, "query " + std::to_string(k + 1)) + "</td>";
    out += "</tr>\n";
  }
  return out + "</table>" + std::string(scroll_end);
}

}  // namespace triptych::app

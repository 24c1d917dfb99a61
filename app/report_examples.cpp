#include <algorithm>
#include <numeric>

#include "app/report_content.h"
#include "app/report_png.h"

namespace triptych::app {
namespace {

constexpr std::size_t queries_each_way = 4, shown_nearest = 5;

struct Pool {  // what can be asked and found
  const data::EmojiPairs& pairs;
  std::vector<const CodedBlock*> views;
  bool pictures;

  Shown shown(std::size_t view, std::size_t row) const {
    return shown_item(pairs, pictures, view, views[view]->item[row]);
  }
};

RetrievalExample search(const Pool& from, std::size_t from_view, const Pool& to, std::size_t to_view, std::size_t row) {
  const Tensor& queries = from.views[from_view]->shared_code;
  const Tensor& gallery = to.views[to_view]->shared_code;
  const std::int64_t n = gallery.shape()[0], width = gallery.shape()[1];
  std::vector<double> score(static_cast<std::size_t>(n), 0);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < width; ++j)
      score[static_cast<std::size_t>(i)] +=
          queries.at(static_cast<std::int64_t>(row) * width + j) * gallery.at(i * width + j);
  std::vector<std::size_t> order(score.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return score[a] > score[b]; });

  RetrievalExample e{from.views[from_view]->view,
                     to.views[to_view]->view,
                     from.shown(from_view, row),
                     {},
                     to.shown(to_view, row),
                     0,
                     n};
  for (std::size_t i = 0; i < std::min(shown_nearest, order.size()); ++i)
    e.nearest.push_back({to.shown(to_view, order[i]), score[order[i]], order[i] == row});
  e.rank = std::find(order.begin(), order.end(), row) - order.begin() + 1;
  return e;
}

}  // namespace

Shown shown_item(const data::EmojiPairs& pairs, bool picture, std::size_t view, std::int32_t item) {
  const auto c = static_cast<std::size_t>(item);
  const std::string& english = pairs.concepts[c].english;
  if (picture) return {png_uri(pairs.picture(view, c), data::emoji_side, data::emoji_side), "", english};
  const std::string& name = pairs.texts[view][c].name;
  return {"", name, name == english ? "" : english};
}

std::vector<RetrievalExample> retrieval_examples(const EmojiSource& data, const Codes& codes) {
  Pool texts{data.pairs(), {}, false}, pictures{data.pairs(), {}, true};
  for (const CodedBlock& b : codes.test)
    (codes.modalities[b.modality] == "image" ? pictures : texts).views.push_back(&b);
  std::vector<RetrievalExample> all;
  if (texts.views.empty() || pictures.views.empty()) return all;
  const std::size_t n = texts.views[0]->item.size(), total = std::min(2 * queries_each_way, n);
  for (std::size_t i = 0; i < total; ++i) {
    const std::size_t row = (2 * i + 1) * n / (2 * total), style = i % pictures.views.size();
    const std::size_t language = 3 * i % texts.views.size();  // not only the first ones
    all.push_back(i < queries_each_way ? search(pictures, style, texts, language, row)
                                       : search(texts, language, pictures, style, row));
  }
  return all;
}

}  // namespace triptych::app

// A tape as one page: who takes the memory, then every node with links to those it reads and feeds.
#include <algorithm>
#include <map>

#include "app/report_html.h"
#include "app/tape_listing.h"

namespace triptych::app {
namespace {

std::string link(int id) { return "<a href=\"#n" + std::to_string(id) + "\">" + std::to_string(id) + "</a>"; }

std::string links(const std::vector<int>& ids) {
  std::string out;
  for (const int id : ids) out += (out.empty() ? "" : " ") + link(id);
  return out;
}

std::string by_op(const TapeListing& tape) {
  struct Total {
    std::string op;
    std::int64_t nodes = 0, bytes = 0;
  };
  std::map<std::string, Total> totals;
  for (std::size_t i = 0; i < tape.nodes.size(); ++i) {
    const TapeNode& n = tape.nodes[i];
    Total& t = totals[n.op];
    t.op = n.op;
    ++t.nodes;
    if (n.storage == static_cast<int>(i)) t.bytes += n.bytes;
  }
  std::vector<Total> list;
  for (const auto& [op, t] : totals) list.push_back(t);
  std::stable_sort(list.begin(), list.end(), [](const Total& a, const Total& b) { return a.bytes > b.bytes; });
  std::string out =
      "<h2>By op</h2>\n<div class=\"card scroll\"><table>\n<tr><th>op</th><th>nodes</th><th>bytes</th></tr>\n";
  for (const Total& t : list)
    out += "<tr><td>" + html_text(t.op) + "</td><td>" + grouped_text(t.nodes) + "</td><td>" + grouped_text(t.bytes) +
           "</td></tr>\n";
  return out + "</table></div>\n";
}

std::string every_node(const TapeListing& tape) {
  std::string out =
      "<h2>Every node</h2>\n<p class=\"soft\">In the order of recording; gradients walk it from the bottom to the "
      "top.</p>\n<div class=\"card scroll\"><table class=\"tape\">\n<tr><th>id</th><th class=\"left\">op</th><th "
      "class=\"left\">name</th><th class=\"left\">shape</th><th class=\"left\">type</th><th>bytes</th><th "
      "class=\"left\">gradient</th><th class=\"left\">reads</th><th class=\"left\">feeds</th></tr>\n";
  const auto left = [](const std::string& html) { return "<td class=\"left\">" + html + "</td>"; };
  for (std::size_t i = 0; i < tape.nodes.size(); ++i) {
    const TapeNode& n = tape.nodes[i];
    const bool own = n.storage == static_cast<int>(i);
    const std::string id = std::to_string(i);
    out += "<tr id=\"n" + id + "\"><td>" + id + "</td>" + left(html_text(n.op)) + left(html_text(n.name)) +
           left(html_text(n.shape.text())) + left(std::string(name_of(n.dtype))) + "<td>" +
           (own ? grouped_text(n.bytes) : "of " + link(n.storage)) + "</td>" + left(n.requires_grad ? "yes" : "no") +
           left(links(n.inputs)) + left(links(n.feeds)) + "</tr>\n";
  }
  return out + "</table></div>\n";
}

}  // namespace

std::string tape_html(const TapeListing& tape) {
  const std::string body = "<main>\n<h1>" + html_text(tape.title) +
                           "</h1>\n<p class=\"lead\">The tape of one training step: " +
                           grouped_text(static_cast<std::int64_t>(tape.nodes.size())) + " nodes, " +
                           grouped_text(tape.bytes) + " bytes.</p>\n" + by_op(tape) + every_node(tape) + "</main>\n";
  return html_page("Tape · " + tape.title, body);
}

}  // namespace triptych::app

// A tape as text, JSON and for Graphviz.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/tape_listing.h"
#include "app/terminal.h"
#include "core/error.h"

namespace triptych::app {
namespace {

std::string ids(const std::vector<int>& list) {
  std::string text;
  for (const int id : list) text += (text.empty() ? "" : " ") + std::to_string(id);
  return text.empty() ? "-" : text;
}

// Inside a quoted string of Graphviz: \ and " are escaped.
std::string dot_text(const std::string& text) {
  std::string out;
  for (const char c : escape_text(text, 4096)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string tape_text(const TapeListing& tape) {
  std::size_t id = std::to_string(tape.nodes.size()).size(), op = 2, shape = 5, bytes = 5, reads = 5, feeds = 5;
  for (const TapeNode& n : tape.nodes) {
    op = std::max(op, n.op.size());
    shape = std::max(shape, n.shape.text().size());
    bytes = std::max(bytes, std::to_string(n.bytes).size());
    reads = std::max(reads, std::min<std::size_t>(ids(n.inputs).size(), 24));
    feeds = std::max(feeds, std::min<std::size_t>(ids(n.feeds).size(), 24));
  }
  const auto row = [&](const std::string& a, const std::string& b, const std::string& c, const std::string& d,
                       const std::string& e, const std::string& f, const std::string& g, const std::string& h,
                       const std::string& i) {
    std::string line = pad_left(a, id) + "  " + pad(b, op) + "  " + pad(c, shape) + "  " + pad(d, 7) + "  " +
                       pad_left(e, bytes) + "  " + pad(f, 4) + "  " + pad(g, reads) + "  " + pad(h, feeds) + "  " + i;
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
  };
  std::string text = escape_text(tape.title, 4096) + ": " + std::to_string(tape.nodes.size()) + " nodes, " +
                     std::to_string(tape.bytes) + " bytes\n\n" +
                     row("id", "op", "shape", "dtype", "bytes", "grad", "reads", "feeds", "name");
  for (std::size_t i = 0; i < tape.nodes.size(); ++i) {
    const TapeNode& n = tape.nodes[i];
    const bool own = n.storage == static_cast<int>(i);
    const std::string shares = own ? "" : "bytes of " + std::to_string(n.storage);
    const std::string name = escape_text(n.name);
    text += row(std::to_string(i), n.op, n.shape.text(), std::string(name_of(n.dtype)),
                own ? std::to_string(n.bytes) : "0", n.requires_grad ? "yes" : "no", ids(n.inputs), ids(n.feeds),
                name + (name.empty() || own ? "" : ", ") + shares);
  }
  return text;
}

std::string tape_json(const TapeListing& tape) {
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < tape.nodes.size(); ++i) {
    const TapeNode& n = tape.nodes[i];
    nodes.push_back({{"id", i},
                     {"op", n.op},
                     {"name", n.name.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(n.name)},
                     {"shape", std::vector<std::int64_t>(n.shape.sizes().begin(), n.shape.sizes().end())},
                     {"dtype", name_of(n.dtype)},
                     {"bytes", n.bytes},
                     {"storage", n.storage},
                     {"requires_grad", n.requires_grad},
                     {"inputs", n.inputs},
                     {"feeds", n.feeds}});
  }
  return json_text({{"title", tape.title}, {"bytes", tape.bytes}, {"nodes", nodes}}) + "\n";
}

std::string tape_dot(const TapeListing& tape) {
  std::string text =
      "digraph \"" + dot_text(tape.title) + "\" {\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\"];\n";
  for (std::size_t i = 0; i < tape.nodes.size(); ++i) {
    const TapeNode& n = tape.nodes[i];
    text +=
        "  n" + std::to_string(i) + " [label=\"" + std::to_string(i) + " " + dot_text(n.op) + "\\n" +
        (n.name.empty() ? "" : dot_text(n.name) + "\\n") + n.shape.text() + " " + std::to_string(n.bytes) + " B\"" +
        (n.inputs.empty() ? ", style=filled, fillcolor=\"" + std::string(n.requires_grad ? "#dcd9f7" : "#e8e8e4") + "\""
                          : "") +
        (n.requires_grad ? "" : ", color=\"#888888\"") + "];\n";
  }
  for (std::size_t i = 0; i < tape.nodes.size(); ++i)
    for (const int input : tape.nodes[i].inputs)
      text += "  n" + std::to_string(input) + " -> n" + std::to_string(i) + ";\n";
  return text + "}\n";
}

}  // namespace triptych::app

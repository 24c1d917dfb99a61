#include "app/report_heat.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/report_html.h"

namespace triptych::app {

HeatMap::HeatMap(std::string title, std::vector<std::string> row_names, std::vector<std::string> column_names)
    : name(std::move(title)), rows(std::move(row_names)), columns(std::move(column_names)) {
  cells.resize(rows.size() * columns.size());
}

HeatMap::Cell& HeatMap::at(const std::string& row, const std::string& column) {
  const auto r = std::ranges::find(rows, row) - rows.begin(), c = std::ranges::find(columns, column) - columns.begin();
  return cells.at(static_cast<std::size_t>(r * std::ssize(columns) + c));
}

std::string heat_table(const HeatMap& map) {
  std::string out = scroll_start(map.name, "card") + "<table class=\"heat\"><caption>" + html_text(map.name) +
                    "</caption><tr><td></td>";
  for (const std::string& c : map.columns) out += "<th scope=\"col\">" + html_text(c) + "</th>";
  out += "</tr>\n";
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    out += "<tr><th scope=\"row\">" + html_text(map.rows[r]) + "</th>";
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
      const HeatMap::Cell& cell = map.cells[r * map.columns.size() + c];
      const bool there = cell.value && std::isfinite(*cell.value);
      const char* wanted = cell.wanted == HeatMap::Wanted::high  ? "should be high"
                           : cell.wanted == HeatMap::Wanted::low ? "should be near 0"
                                                                 : "";
      if (!there) {
        out += "<td class=\"absent\" title=\"" + html_text(cell.absent) + "\">" +
               (cell.value || cell.absent.starts_with("undefined") ? "undefined" : "–") + "</td>";
        continue;
      }
      const std::string number = fixed_text(*cell.value, 2);
      out += std::string("<td class=\"") + (cell.wanted == HeatMap::Wanted::high ? "high" : "low") + "\" title=\"" +
             wanted + "\" style=\"--v:" + fixed_text(std::clamp(*cell.value, 0.0, 1.0), 3) + "\">" +
             (number == "-0.00" ? "0.00" : number) + "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</table>" + std::string(scroll_end);
}

}  // namespace triptych::app

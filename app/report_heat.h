// A table of values as a heat map: a real table, so that it can be read out, with the numbers in its coloured cells.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace triptych::app {

struct HeatMap {
  enum class Wanted : std::uint8_t { low, high, open };  // what a good model shows; open: nobody knows

  struct Cell {
    std::optional<double> value;  // in [0, 1] but for rounding; below 0 is drawn as 0
    Wanted wanted = Wanted::open;
    std::string absent = "not measured";  // why, when there is no value
  };
  std::string name;  // what it shows, read out
  std::vector<std::string> rows, columns;
  std::vector<Cell> cells;  // row by row

  HeatMap(std::string title, std::vector<std::string> row_names, std::vector<std::string> column_names);
  Cell& at(const std::string& row, const std::string& column);  // both are there
};

// Cells that should be high have a frame, so that a good picture has its colour where the frames are.
std::string heat_table(const HeatMap& map);

}  // namespace triptych::app

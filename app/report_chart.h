// Drawings of a report, as SVG in the page.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace triptych::app {

// One quantity over training. A value that is not finite is a gap.
struct Series {
  std::string name;
  std::vector<std::int64_t> step;
  std::vector<double> value;  // as many
};

// A figure with its last value in the caption: at most 600 points are drawn, on a logarithmic scale when the values
// are positive and most of them are tiny beside the largest. A single point is a dot; a series without a finite value
// says so.
std::string chart(const Series& series, const std::string& note = {});

// A bar of `value` in [0, 1] (clipped), with a mark at `chance` where that is not negative.
std::string bar(double value, double chance, bool wanted, const std::string& label);

}  // namespace triptych::app

// Drawings of a report, as SVG in the page.
#pragma once

#include <span>
#include <string>

#include "app/report_series.h"

namespace triptych::app {

// One line of a chart: `series` under the name that the legend gives it.
struct Curve {
  std::string label;
  const Series* series = nullptr;
};

// As many curves as can be told apart, by colour and by dashes.
inline constexpr std::size_t most_curves = 8;

// A figure of one to most_curves curves over the step, with their last values: in the caption for one, in a legend for
// several. At most `points` of each are drawn, on a logarithmic scale when all values are positive and most of them
// tiny beside the largest. A single point is a dot; a curve without a finite value is "undefined" and says so.
std::string chart(const std::string& title, std::span<const Curve> curves, const std::string& note = {},
                  std::size_t points = 600);

// A bar of `value` in [0, 1] (clipped), with a mark at `chance` where that is not negative.
std::string bar(double value, double chance, bool wanted, const std::string& label);

}  // namespace triptych::app

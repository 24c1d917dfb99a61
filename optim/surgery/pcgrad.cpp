#include "optim/surgery/pcgrad.h"

#include <numeric>
#include <string>

#include "core/error.h"
#include "core/rng.h"

namespace triptych::surgery {
namespace {

constexpr std::string_view formula = R"(
pcgrad: jacobian (m, P)  ->  direction (P), weights (m)

  forward    for each task i: p = g_i, and for the tasks j != i in some order
               p <- p - (p.g_j / |g_j|^2) g_j  where p.g_j < 0, always against the gradient g_j as it came;
             g = sum over i of p (reduce = mean: divided by m). In weights: w_j grows by -p.g_j / |g_j|^2
  guarantee  no conflict for m = 2 (the mean is then UPGrad); for m >= 3 a later projection may bring an earlier conflict
             back, and the answer depends on the order. Zero only where Pareto stationary; linear in the scale of each
             gradient at a given order
  cost       m backward passes, O(m^3) on J J^T
  edge       zero gradients conflict with nobody
  source     Yu et al. 2020, arXiv 2001.06782, Algorithm 1: an order of its own for each i, drawn here from `seed`;
             order = "2,0,1" sets one for all i
)";

using Order = std::vector<Eigen::Index>;

[[noreturn]] void refuse_order(const std::string& text, Eigen::Index m) {
  throw Error(Exit::input, "op.parameter",
              "[pcgrad] order = '" + escape_text(text) + "' must name each of the " + std::to_string(m) +
                  " tasks once, from 0, as in 1,0");
}

// "2,0,1" or "[2, 0, 1]".
Order parse_order(const std::string& text, Eigen::Index m) {
  std::vector<bool> seen(static_cast<std::size_t>(m));
  Order order;
  std::string digits;
  const std::size_t first = text.find_first_not_of(" ["), last = text.find_last_not_of(" ]");
  if (first == std::string::npos || last < first) refuse_order(text, m);
  for (const char c : text.substr(first, last - first + 1) + ",") {
    if (c >= '0' && c <= '9' && digits.size() < 9) {
      digits += c;
    } else if (c == ',' && !digits.empty()) {
      const auto task = static_cast<std::size_t>(std::stol(digits));
      if (task >= seen.size() || seen[task]) refuse_order(text, m);
      seen[task] = true;
      order.push_back(static_cast<Eigen::Index>(task));
      digits.clear();
    } else if (c != ' ') {
      refuse_order(text, m);
    }
  }
  if (std::ssize(order) != m) refuse_order(text, m);
  return order;
}

std::vector<Order> orders_of(const Call& c, Eigen::Index m) {
  const std::string& given = c.text("order");
  std::vector<Order> orders(static_cast<std::size_t>(m), Order(static_cast<std::size_t>(m)));
  for (std::size_t i = 0; i < orders.size(); ++i) {
    std::iota(orders[i].begin(), orders[i].end(), 0);
    Rng rng(static_cast<std::uint64_t>(c.integer("seed")), i);
    shuffle(orders[i], rng);
    if (!given.empty()) orders[i] = parse_order(given, m);
  }
  return orders;
}

}  // namespace

Vector pcgrad(const Gramian& g, std::span<const std::vector<Eigen::Index>> orders) {
  const Eigen::Index m = g.tasks();
  Vector sum = Vector::Zero(m);
  for (Eigen::Index i = 0; i < m; ++i) {
    Vector w = Vector::Unit(m, i);
    for (const Eigen::Index j : orders[static_cast<std::size_t>(i)]) {
      if (j == i) continue;
      const double along = g.cosines.col(j).dot(g.norms.cwiseProduct(w));  // p.g_j / |g_j|
      if (along < 0) w(j) -= along / g.norms(j);
    }
    sum += w;
  }
  return sum;
}

const Method& pcgrad_method() {
  static const Method m = method("pcgrad", formula,
                                 {{"order", std::string(), "in which each gradient meets the others; empty: drawn"},
                                  {"seed", 0.0, "of the orders drawn"},
                                  {"reduce", std::string("sum"), "sum or mean"}},
                                 {.zero_proves_stationary = true, .scaling = Scaling::linear},
                                 [](const Gramian& g, const Call& c) -> Vector {
                                   const std::string& reduce = c.text("reduce");
                                   if (reduce != "sum" && reduce != "mean")
                                     throw Error(Exit::input, "op.parameter",
                                                 "[pcgrad] reduce = '" + escape_text(reduce) + "' must be sum or mean");
                                   const double share = reduce == "mean" ? 1 / static_cast<double>(g.tasks()) : 1;
                                   return share * pcgrad(g, orders_of(c, g.tasks()));
                                 });
  return m;
}

}  // namespace triptych::surgery

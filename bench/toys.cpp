// Where the methods end on the published toys (bench/toys.h), as the tables of docs/surgery.md: triptych_bench_toys.
#include "bench/toys.h"

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "optim/surgery/cagrad.h"
#include "optim/surgery/dual_cone.h"
#include "optim/surgery/famo.h"
#include "optim/surgery/imtl_g.h"
#include "optim/surgery/mgda.h"
#include "optim/surgery/nash_mtl.h"
#include "optim/surgery/pcgrad.h"

using namespace triptych;
using namespace triptych::toys;
using surgery::Vector;

namespace {

using Make = std::function<Method()>;  // a method with fresh state
struct Row {
  const char* name;
  Make make;
  int steps;
};

Make stateless(Method method) {
  return [method] { return method; };
}
Method constant(double w) {
  return [w](const Losses&) -> Vector { return Vector::Constant(2, w); };
}
Vector pcgrad_sum(const Losses& l) {
  static const std::vector<std::vector<Eigen::Index>> orders{{1}, {0}};
  return surgery::pcgrad(gramian(l), orders);
}
// The norm of the step is at most 1, as in the authors' code.
Vector capped_nash(const Losses& l) {
  const Vector w = surgery::nash_mtl(gramian(l));
  return w / std::max(1.0, (l.jacobian.transpose() * w).norm());
}

// Losses above their lower bounds.
Make famo(double decay) {
  return [decay]() -> Method {
    const std::shared_ptr<surgery::Weighting> method = surgery::famo({"first", "second"}, 0.025, decay);
    return [method](const Losses& l) -> Vector {
      const surgery::Task now[] = {{.loss = 0, .value = l.value[0] + 2.1}, {.loss = 1, .value = l.value[1] + 21}};
      method->compare(now);  // with those of the step before
      const std::vector<double> c = method->weights(now);
      return Vector{{c[0], c[1]}};
    };
  };
}

void table(const char* title, const Problem& problem, const std::vector<Point>& starts, const std::vector<Row>& rows) {
  std::printf("%s\n\n| method |", title);
  for (const Point& s : starts) std::printf(" from (%g, %g) |", s[0], s[1]);
  std::printf("\n| --- |");
  for (std::size_t i = 0; i < starts.size(); ++i) std::printf(" --- |");
  std::printf("\n");
  for (const Row& row : rows) {
    std::printf("| %s |", row.name);
    for (const Point& start : starts) {
      const Point end = descend(problem, row.make(), start, row.steps);
      const Losses l = problem(end);
      std::printf(" (%.3f, %.3f): %.3f, %.3f |", end[0], end[1], l.value[0], l.value[1]);
      std::fflush(stdout);
    }
    std::printf("\n");
  }
  std::printf("\n");
}

}  // namespace

int main() {
  const auto half = [](const Losses& l) -> Vector { return pcgrad_sum(l) / 2; };
  const auto mgda = [](const Losses& l) { return surgery::mgda(gramian(l)); };
  const auto upgrad = [](const Losses& l) { return surgery::upgrad(gramian(l)); };
  table("Valleys (CAGrad), 100 000 steps", valleys(1), {{-8.5, 7.5}, {-8.5, -5}, {9, 9}, {0, 0}, {-7.5, -0.5}, {9, -1}},
        {{"mean", stateless(constant(0.5)), 100000},
         {"MGDA", stateless(mgda), 100000},
         {"PCGrad, mean", stateless(half), 100000},
         {"CAGrad, c = 0.5",
          stateless([](const Losses& l) -> Vector { return surgery::cagrad(gramian(l), 0.5) / 1.5; }), 100000}});
  table("Valleys, first loss x 0.1 (Nash-MTL, FAMO), 35 000 steps (FAMO 50 000)", valleys(0.1),
        {{-8.5, 7.5}, {0, 0}, {9, 9}, {-7.5, -0.5}, {9, -1}},
        {{"sum", stateless(constant(1)), 35000},
         {"MGDA, x 2", stateless([&](const Losses& l) -> Vector { return 2 * mgda(l); }), 35000},
         {"PCGrad", stateless(pcgrad_sum), 35000},
         {"UPGrad", stateless(upgrad), 35000},
         {"CAGrad, c = 0.4",
          stateless([](const Losses& l) -> Vector { return 2 * surgery::cagrad(gramian(l), 0.4) / 1.16; }), 35000},
         {"IMTL-G", stateless([](const Losses& l) { return surgery::imtl_g(gramian(l)); }), 35000},
         {"Nash-MTL, norm <= 1", stateless(capped_nash), 35000},
         {"FAMO, decay 0", famo(0), 50000},
         {"FAMO, decay 0.001", famo(1e-3), 50000}});
  table("Curved valleys (PCGrad, figure 1), 500 000 steps", curved, {{0.5, -3}},
        {{"sum", stateless(constant(1)), 500000}, {"PCGrad", stateless(pcgrad_sum), 500000}});
}

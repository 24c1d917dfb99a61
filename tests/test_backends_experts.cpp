// Kernels of the experts of the cpu table against the reference.
#include "tests/backend_calls.h"

using namespace triptych;
using namespace triptych::test;

TEST_CASE("cpu: expert_pool") {
  for (const ExpertSizes& s : {ExpertSizes{1, 1, 1, 1, 1},
                               {3, 7, 3, 5, 2},
                               {4, 40, 8, 48, 5},
                               {2, 1100, 3, 20, 7},
                               {3, 60, 24, 300, 4},
                               {2, 0, 3, 4, 2}})
    for (bool first : {false, true})
      check("expert_pool " + text(s.rows, s.in) + " x " + std::to_string(s.hidden), [=](auto& k, Call& c) {
        const Size w = s.experts * s.hidden, x_size = s.rows * s.in, a = s.rows * s.hidden;
        const View x = c.normal(x_size), start = c.offsets(s.experts, s.rows), bag = c.index(s.rows, s.bags),
                   gate = c.uniform(s.rows, 0, 1), w1 = c.normal(w * s.in), pre = c.output(a),
                   dx = first ? View{} : c.output(x_size);
        k.expert_pool(s, x, start, bag, gate, w1, c.normal(w), c.output(w * s.bags), pre);
        k.expert_pool_backward(s, c.normal(w * s.bags), x, start, bag, gate, w1, pre, dx, c.output(s.rows),
                               c.output(w * s.in), c.output(w));
      });
}

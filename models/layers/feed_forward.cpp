#include "models/layers/feed_forward.h"

#include "ops/feed_forward.h"

namespace triptych {

Var FeedForward::operator()(const Context& c, const Var& x) const {
  return feed_forward(x, c[up.weight], c[up.bias], c[down.weight], c[down.bias]);
}

}  // namespace triptych

#include "models/encoders/ngrams.h"

#include "ops/embedding_bag.h"
#include "ops/gelu.h"
#include "ops/reshape.h"

namespace triptych {

NgramEncoder::NgramEncoder(const Init& init, const std::string& name, std::int64_t buckets, std::int64_t width)
    : table_(init.normal(name + ".table", {buckets, width}, 0.1)),
      norm_(init, name + ".norm", width),
      hidden_(init, name + ".hidden", width, h_width(width)) {}

Encoded NgramEncoder::operator()(Context& c, const Var& index, const Var& offset, double dropout) const {
  const Var surface = norm_(c, embedding_bag(c[table_], index, offset));
  const Var h = c.dropout(gelu(hidden_(c, c.dropout(surface, dropout))), dropout);
  const auto one_token = [](const Var& x) { return reshape(x, {x.shape()[0], 1, x.shape()[1]}); };
  return {{one_token(h), {}}, {one_token(surface), {}}, c.tape().constant(surface.value())};
}

}  // namespace triptych

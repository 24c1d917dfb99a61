#include "models/encoders/ngrams.h"

#include <cmath>

#include "ops/embedding_bag.h"
#include "ops/gelu.h"
#include "ops/reshape.h"

namespace triptych {
namespace {

Tensor profile(const Tensor& index, const Tensor& offset, DType dtype) {
  const std::int64_t batch = offset.size() - 1, width = NgramEncoder::profile_width;
  const auto *at = index.data<std::int32_t>(), *begin = offset.data<std::int32_t>();
  Tensor out = Tensor::zeros({batch, width}, dtype);
  const auto fill = [&]<class T>(T) {
    for (std::int64_t b = 0; b < batch; ++b) {
      T* row = out.data<T>() + b * width;
      for (std::int32_t i = begin[b]; i < begin[b + 1]; ++i) row[at[i] % width] += 1;
      for (std::int64_t j = 0; j < width; ++j)
        if (row[j] > 0) row[j] = std::sqrt(row[j] / static_cast<T>(begin[b + 1] - begin[b]));
    }
  };
  dtype == DType::f32 ? fill(float{}) : fill(double{});
  standardise_rows(out);
  return out;
}

}  // namespace

NgramEncoder::NgramEncoder(const Init& init, const std::string& name, std::int64_t buckets, std::int64_t width)
    : table_(init.normal(name + ".table", {buckets, width}, 0.1)),
      norm_(init, name + ".norm", width),
      hidden_(init, name + ".hidden", width, h_width(width)) {}

Encoded NgramEncoder::operator()(Context& c, const Var& index, const Var& offset, double dropout) const {
  const Var bag = norm_(c, embedding_bag(c[table_], index, offset));
  const Var h = c.dropout(gelu(hidden_(c, c.dropout(bag, dropout))), dropout);
  const Var surface = c.tape().constant(profile(index.value(), offset.value(), bag.dtype()));
  const auto one_token = [](const Var& x) { return reshape(x, {x.shape()[0], 1, x.shape()[1]}); };
  return {{one_token(h), {}}, {one_token(surface), {}}, c.tape().constant(standardised_columns(surface.value()))};
}

}  // namespace triptych

#include "models/encoders/ngrams.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/embedding_bag.h"
#include "ops/gelu.h"
#include "ops/reshape.h"

namespace triptych {
namespace {

// v_j = sqrt(share of the text's n-grams in bucket j), then (v - mean) / deviation over the buckets. The squares of v
// add up to 1, so the deviation is sqrt(1 / buckets - mean^2), and a bucket that is not met has -mean / deviation.
Tensor profile(const Tensor& index, const Tensor& offset, DType dtype) {
  const std::int64_t batch = offset.size() - 1, width = NgramEncoder::profile_width;
  const auto *at = index.data<std::int32_t>(), *begin = offset.data<std::int32_t>();
  Tensor out({batch, width}, dtype);
  std::vector<int> count(static_cast<std::size_t>(width));
  const auto fill = [&]<class T>(T) {
    for (std::int64_t b = 0; b < batch; ++b) {
      T* row = out.data<T>() + b * width;
      const double of = std::max(begin[b + 1] - begin[b], 1);
      const auto each = [&](auto&& f) {
        for (std::int32_t i = begin[b]; i < begin[b + 1]; ++i)
          f(at[i] % width, count[static_cast<std::size_t>(at[i] % width)]);
      };
      each([](std::int64_t, int& n) { ++n; });
      double sum = 0;
      each([&](std::int64_t, int n) { sum += std::sqrt(n / of) / n; });  // a bucket met n times comes up n times
      const double mean = sum / static_cast<double>(width);
      const double variance = (sum > 0 ? 1 / static_cast<double>(width) : 0) - mean * mean;
      const double inverse = variance > 0 ? 1 / std::sqrt(variance) : 0;
      std::fill(row, row + width, static_cast<T>(-mean * inverse));
      each([&](std::int64_t j, int n) { row[j] = static_cast<T>((std::sqrt(n / of) - mean) * inverse); });
      each([](std::int64_t, int& n) { n = 0; });
    }
  };
  dtype == DType::f32 ? fill(float{}) : fill(double{});
  return out;
}

}  // namespace

NgramEncoder::NgramEncoder(const Init& init, const std::string& name, std::int64_t buckets, std::int64_t width)
    : table_(init.normal(name + ".table", {buckets, width}, 0.1)),
      norm_(init, name + ".norm", width),
      hidden_(init, name + ".hidden", width, h_width(width)) {}

Tensor NgramEncoder::surface_of(const Context& c, const Tensor& index, const Tensor& offset) const {
  return profile(index, offset, c[table_].dtype());
}

Encoded NgramEncoder::operator()(Context& c, const Var& index, const Var& offset, const Var& surface,
                                 double dropout) const {
  const Var bag = norm_(c, embedding_bag(c[table_], index, offset));
  const Var h = c.dropout(gelu(hidden_(c, c.dropout(bag, dropout))), dropout);
  const auto one_token = [](const Var& x) { return reshape(x, {x.shape()[0], 1, x.shape()[1]}); };
  return {{one_token(h), {}},
          {one_token(surface), {}},
          c.tape().constant(standardised_columns(bag.kernels(), surface.value()))};
}

}  // namespace triptych

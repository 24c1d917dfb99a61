#include "models/audit/changes.h"

#include <cmath>
#include <cstring>

#include "core/rng.h"

namespace triptych {
namespace {

constexpr std::uint64_t seed = 29;
constexpr double factor = 100;

bool is_real(const Tensor& t) { return t && t.dtype() != DType::i32; }

Tensor rotated_rows(const Tensor& t) {
  const std::int64_t rows = t.shape()[0], row = rows > 0 ? t.bytes() / rows : 0;
  Tensor out(t.shape(), t.dtype());
  for (std::int64_t i = 0; i < rows; ++i)
    std::memcpy(out.data<char>() + i * row, t.data<const char>() + (i + 1) % rows * row, static_cast<std::size_t>(row));
  return out;
}

}  // namespace

ModalityBatch redrawn(const ModalityBatch& of, const ModalitySpec& spec, std::uint64_t stream, std::int64_t keep) {
  ModalityBatch out = of;
  out.values = of.values.clone();
  Rng rng(seed, stream);
  const std::int64_t n = of.values.size();
  std::int64_t from = 0, to = 0;  // the entries of the row that stays
  if (keep >= 0) {
    const std::int64_t row = is_real(of.values) ? n / of.values.shape()[0] : 0;
    from = of.offset ? static_cast<std::int64_t>(of.offset.at(keep)) : keep * row;
    to = of.offset ? static_cast<std::int64_t>(of.offset.at(keep + 1)) : from + row;
  }
  double square = 0;
  for (std::int64_t i = 0; is_real(of.values) && i < n; ++i) square += of.values.at(i) * of.values.at(i);
  const double scale = square > 0 ? std::sqrt(square / static_cast<double>(n)) : 1;
  for (std::int64_t i = 0; i < n; ++i) {
    const double drawn =
        is_real(of.values) ? scale * rng.normal() : rng.below(static_cast<std::uint32_t>(spec.buckets));
    if (i < from || i >= to) out.values.set(i, drawn);
  }
  return out;
}

ModalityBatch enlarged(const ModalityBatch& of) {
  ModalityBatch out = of;
  if (!is_real(of.values)) return out;
  out.values = of.values.clone();
  for (std::int64_t i = 0; i < out.values.size(); ++i) out.values.set(i, factor * out.values.at(i));
  return out;
}

ModalityBatch rotated(const ModalityBatch& of) {
  ModalityBatch out = of;
  if (is_real(of.values)) out.values = rotated_rows(of.values);
  if (of.mask) out.mask = rotated_rows(of.mask);
  return out;
}

}  // namespace triptych

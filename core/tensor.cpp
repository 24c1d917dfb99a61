#include "core/tensor.h"

#include <cstring>
#include <utility>

#include "core/arena.h"
#include "core/error.h"

namespace triptych {

Shape::Shape(std::initializer_list<std::int64_t> sizes)
    : Shape(std::span<const std::int64_t>(sizes.begin(), sizes.size())) {}

Shape::Shape(std::span<const std::int64_t> sizes) {
  if (sizes.size() > max_rank)
    throw Error(Exit::usage, "shape.rank", "a tensor has at most 6 axes, got " + std::to_string(sizes.size()));
  for (const std::int64_t s : sizes) sizes_[static_cast<std::size_t>(rank_++)] = s;
}

std::int64_t Shape::count() const {
  std::int64_t n = 1;
  for (const std::int64_t s : sizes()) n *= s;
  return n;
}

std::int64_t Shape::rows() const { return without_last().count(); }

Shape Shape::with_last(std::int64_t size) const {
  Shape s = *this;
  s.sizes_[static_cast<std::size_t>(rank_ - 1)] = size;
  return s;
}

Shape Shape::without_last() const {
  return rank_ == 0 ? Shape{} : Shape(sizes().first(static_cast<std::size_t>(rank_ - 1)));
}

bool Shape::ends_with(const Shape& suffix) const {
  if (suffix.rank_ > rank_) return false;
  for (int i = 0; i < suffix.rank_; ++i)
    if ((*this)[rank_ - suffix.rank_ + i] != suffix[i]) return false;
  return true;
}

std::string Shape::text() const {
  std::string s = "(";
  for (int i = 0; i < rank_; ++i) s += (i ? ", " : "") + std::to_string((*this)[i]);
  return s + ")";
}

bool operator==(const Shape& a, const Shape& b) { return a.rank_ == b.rank_ && a.ends_with(b); }

Tensor::Tensor(Shape shape, DType dtype) : shape_(shape), dtype_(dtype) { storage_ = arena::acquire(bytes()); }
Tensor::Tensor(const Tensor& other) : storage_(other.storage_), shape_(other.shape_), dtype_(other.dtype_) {
  if (storage_) arena::retain(storage_);
}
Tensor::Tensor(Tensor&& other) noexcept
    : storage_(std::exchange(other.storage_, nullptr)), shape_(other.shape_), dtype_(other.dtype_) {}
Tensor& Tensor::operator=(Tensor other) noexcept {
  std::swap(storage_, other.storage_);
  shape_ = other.shape_;
  dtype_ = other.dtype_;
  return *this;
}
Tensor::~Tensor() {
  if (storage_) arena::release(storage_);
}

Tensor Tensor::zeros(Shape shape, DType dtype) {
  Tensor t(shape, dtype);
  std::memset(t.storage_, 0, static_cast<std::size_t>(t.bytes()));
  return t;
}

Tensor Tensor::full(Shape shape, DType dtype, double value) {
  Tensor t(shape, dtype);
  for (std::int64_t i = 0, n = t.size(); i < n; ++i) t.set(i, value);
  return t;
}

namespace {

void require_count(const Shape& shape, std::size_t found) {
  if (shape.count() != static_cast<std::int64_t>(found))
    throw Error(
        Exit::internal, "tensor.count",
        "shape " + shape.text() + " needs " + std::to_string(shape.count()) + " values, got " + std::to_string(found));
}

template <class T>
Tensor filled(Shape shape, std::span<const T> values, DType dtype) {
  require_count(shape, values.size());
  Tensor t(shape, dtype);
  for (std::size_t i = 0; i < values.size(); ++i) t.set(static_cast<std::int64_t>(i), static_cast<double>(values[i]));
  return t;
}

}  // namespace

Tensor Tensor::from(Shape shape, std::span<const double> values, DType dtype) { return filled(shape, values, dtype); }
Tensor Tensor::from(Shape shape, std::span<const float> values, DType dtype) { return filled(shape, values, dtype); }
Tensor Tensor::from(Shape shape, std::span<const std::int32_t> values) { return filled(shape, values, DType::i32); }

double Tensor::item() const {
  if (size() != 1) throw Error(Exit::internal, "tensor.item", "item() needs one value, got shape " + shape_.text());
  return at(0);
}

double Tensor::at(std::int64_t i) const {
  switch (dtype_) {
    case DType::f32: return data<float>()[i];
    case DType::f64: return data<double>()[i];
    default: return data<std::int32_t>()[i];
  }
}

void Tensor::set(std::int64_t i, double value) {
  switch (dtype_) {
    case DType::f32: data<float>()[i] = static_cast<float>(value); break;
    case DType::f64: data<double>()[i] = value; break;
    default: data<std::int32_t>()[i] = static_cast<std::int32_t>(value);
  }
}

std::vector<double> Tensor::values() const {
  std::vector<double> v(static_cast<std::size_t>(size()));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = at(static_cast<std::int64_t>(i));
  return v;
}

Tensor Tensor::reshaped(Shape shape) const {
  require_count(shape, static_cast<std::size_t>(size()));
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

Tensor Tensor::clone() const {
  Tensor t(shape_, dtype_);
  std::memcpy(t.storage_, storage_, static_cast<std::size_t>(bytes()));
  return t;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor t(shape_, dtype);
  for (std::int64_t i = 0, n = size(); i < n; ++i) t.set(i, at(i));
  return t;
}

bool Tensor::unique() const { return storage_ && arena::unique(storage_); }

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(a.data<char>(), b.data<char>(), static_cast<std::size_t>(a.bytes())) == 0;
}

}  // namespace triptych

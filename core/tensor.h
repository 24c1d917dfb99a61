// Tensor: a contiguous, row-major, 64-byte-aligned, reference-counted array of float32, float64 or int32.
//
// Copying a Tensor copies a pointer. Storage comes from a caching arena (arena.h), so a training step after the first
// takes nothing from the system. A Tensor knows nothing of gradients: those are values returned by the tape.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "backends/backend.h"

namespace triptych {

// Up to six sizes, held inline. Prints as "(2, 3)".
class Shape {
 public:
  static constexpr int max_rank = 6;
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> sizes);
  explicit Shape(std::span<const std::int64_t> sizes);

  int rank() const { return rank_; }
  std::int64_t operator[](int axis) const { return sizes_[axis < 0 ? rank_ + axis : axis]; }
  std::int64_t back() const { return sizes_[rank_ - 1]; }
  std::int64_t count() const;                // product of all sizes; 1 for rank 0
  std::int64_t rows() const;                 // product of all but the last size
  Shape with_last(std::int64_t size) const;  // the same, last size replaced
  Shape without_last() const;
  bool ends_with(const Shape& suffix) const;  // broadcasting over leading axes
  std::span<const std::int64_t> sizes() const { return {sizes_.data(), static_cast<std::size_t>(rank_)}; }
  std::string text() const;
  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<std::int64_t, max_rank> sizes_{};
  int rank_ = 0;
};

class Tensor {
 public:
  Tensor() = default;                // null: stands for "absent"
  Tensor(Shape shape, DType dtype);  // contents undefined
  Tensor(const Tensor& other);
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor other) noexcept;
  ~Tensor();

  static Tensor zeros(Shape shape, DType dtype);
  static Tensor full(Shape shape, DType dtype, double value);
  static Tensor scalar(double value, DType dtype) { return full({}, dtype, value); }
  // Copies `values` (converted to `dtype`); throws unless values.size() == shape.count().
  static Tensor from(Shape shape, std::span<const double> values, DType dtype);
  static Tensor from(Shape shape, std::span<const float> values, DType dtype);
  static Tensor from(Shape shape, std::span<const std::int32_t> values);

  explicit operator bool() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  std::int64_t size() const { return shape_.count(); }
  std::int64_t bytes() const { return size() * size_of(dtype_); }
  View view() const { return {storage_, dtype_}; }
  template <class T>
  T* data() const {
    return static_cast<T*>(storage_);
  }
  double item() const;              // the single value; throws unless size() == 1
  double at(std::int64_t i) const;  // i-th element in row-major order, as double
  void set(std::int64_t i, double value);
  std::vector<double> values() const;
  Tensor reshaped(Shape shape) const;  // shares storage; throws unless the counts agree
  Tensor clone() const;
  Tensor to(DType dtype) const;
  bool unique() const;  // nobody else holds this storage

 private:
  void* storage_ = nullptr;
  Shape shape_;
  DType dtype_ = DType::f32;
};

// True when shapes, dtypes and every byte agree.
bool same_bits(const Tensor& a, const Tensor& b);

}  // namespace triptych

// A vector whose first N elements live inside it: node inputs and gradients need no heap memory.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace triptych {

template <class T, std::size_t N>
class InlineVector {
 public:
  InlineVector() = default;
  InlineVector(std::initializer_list<T> items) {
    for (const T& item : items) push_back(item);
  }
  void push_back(T item) {
    if (size_ < N) {
      inline_[size_++] = std::move(item);
      return;
    }
    if (spill_.empty()) spill_.assign(inline_, inline_ + N);  // past N everything moves, so that data() stays one block
    spill_.push_back(std::move(item));
    ++size_;
  }
  void clear() {
    for (std::size_t i = 0; i < size_ && i < N; ++i) inline_[i] = T{};
    spill_.clear();
    size_ = 0;
  }
  void resize(std::size_t n) {
    while (size_ < n) push_back(T{});
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return size_ > N ? spill_.data() : inline_; }
  const T* data() const { return size_ > N ? spill_.data() : inline_; }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  operator std::span<const T>() const { return {data(), size_}; }

 private:
  T inline_[N] = {};
  std::vector<T> spill_;
  std::size_t size_ = 0;
};

}  // namespace triptych

// Matrix products: oneDNN for float32, Eigen for float64 and in builds without oneDNN.
#pragma once

#include <cstdint>

namespace triptych::cpu {

// C (m,n) = alpha * op(A) op(B) + beta * C, row-major; ld* is the distance in elements between stored rows.
// op(A) is (m,k): A is stored (m,k), or (k,m) when trans_a; likewise B. beta = 0 ignores what C held.
template <class T>
struct Product {
  bool trans_a = false, trans_b = false;
  std::int64_t m = 0, n = 0, k = 0;
  T alpha = 1;
  const T* a = nullptr;
  std::int64_t lda = 0;
  const T* b = nullptr;
  std::int64_t ldb = 0;
  T beta = 0;
  T* c = nullptr;
  std::int64_t ldc = 0;
};

void multiply(const Product<float>& p);
void multiply(const Product<double>& p);

// On the calling thread alone; for use inside a parallel region.
void multiply_serial(const Product<float>& p);
void multiply_serial(const Product<double>& p);

}  // namespace triptych::cpu

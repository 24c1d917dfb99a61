#include "backends/reference/naive.h"

namespace triptych::reference {
namespace {

// The dtype of the rows that are there.
DType dtype_of(const View* rows, std::int64_t m) {
  for (std::int64_t i = 0; i < m; ++i)
    if (rows[i]) return rows[i].dtype;
  return DType::f64;
}

void products(const View* rows, std::int64_t m, std::int64_t n, double* g) {
  dispatch(dtype_of(rows, m), [&]<class T>(T) {
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < m; ++j) {
        double sum = 0;
        if (rows[i] && rows[j])
          for (std::int64_t k = 0; k < n; ++k) sum += static_cast<double>(rows[i].as<T>()[k]) * rows[j].as<T>()[k];
        g[i * m + j] = sum;
      }
  });
}

void combine(const View* rows, const double* w, std::int64_t m, View y, std::int64_t n) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t k = 0; k < n; ++k) {
      double sum = 0;
      for (std::int64_t i = 0; i < m; ++i)
        if (rows[i]) sum += w[i] * rows[i].as<T>()[k];
      y.as<T>()[k] = static_cast<T>(sum);
    }
  });
}

}  // namespace

void add_vector_sets(Kernels& k) {
  k.products = products;
  k.combine = combine;
}

}  // namespace triptych::reference

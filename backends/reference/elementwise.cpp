#include <cmath>

#include "backends/reference/naive.h"

namespace triptych::reference {
namespace {

double apply(Unary op, double x) {
  switch (op) {
    case Unary::exp: return std::exp(x);
    case Unary::sqrt: return std::sqrt(x);
    case Unary::square: return x * x;
    case Unary::relu: return x > 0 ? x : (x == x ? 0 : x);  // NaN in, NaN out
    case Unary::gelu: return x * gelu_cdf(x);
    case Unary::sigmoid: return 1 / (1 + std::exp(-x));
    case Unary::tanh: return std::tanh(x);
  }
  return 0;
}

// f'(x), from x and y = f(x). At the kinks: relu'(0) = 0, sqrt'(0) = 0 (not infinity, which would poison a batch).
double slope(Unary op, double x, double y) {
  switch (op) {
    case Unary::exp: return y;
    case Unary::sqrt: return y > 0 ? 0.5 / y : 0;
    case Unary::square: return 2 * x;
    case Unary::relu: return x > 0 ? 1 : 0;
    case Unary::gelu: return TRIPTYCH_TERM("gelu.cdf", gelu_cdf(x)) + TRIPTYCH_TERM("gelu.pdf", x * gelu_pdf(x));
    case Unary::sigmoid: return y * (1 - TRIPTYCH_TERM("sigmoid.square", y));
    case Unary::tanh: return (1 - y) * (1 + TRIPTYCH_TERM("tanh.square", y));
  }
  return 0;
}

void fill(View y, std::int64_t n, double value) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < n; ++i) y.as<T>()[i] = static_cast<T>(value);
  });
}

void copy(View x, View y, std::int64_t n) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < n; ++i) y.as<T>()[i] = x.as<T>()[i];
  });
}

void binary(Binary op, View a, View b, View y, std::int64_t n, std::int64_t period) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < n; ++i) {
      const T u = a.as<T>()[i], v = b.as<T>()[i % period];
      y.as<T>()[i] = op == Binary::add ? u + v : op == Binary::sub ? u - v : u * v;
    }
  });
}

void axpby(double alpha, View x, double beta, View y, std::int64_t n) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < n; ++i) {
      T& out = y.as<T>()[i];
      out = static_cast<T>(alpha) * x.as<T>()[i] + (beta == 0 ? T{0} : static_cast<T>(beta) * out);
    }
  });
}

void unary(Unary op, View x, View y, std::int64_t n) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < n; ++i) y.as<T>()[i] = static_cast<T>(apply(op, x.as<T>()[i]));
  });
}

void unary_backward(Unary op, View x, View y, View dy, View dx, std::int64_t n) {
  dispatch(dx.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < n; ++i)
      dx.as<T>()[i] = static_cast<T>(dy.as<T>()[i] * slope(op, x.as<T>()[i], y.as<T>()[i]));
  });
}

double sum(View x, std::int64_t n) {
  double s = 0;
  dispatch(x.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < n; ++i) s += x.as<T>()[i];
  });
  return s;
}

double dot(View a, View b, std::int64_t n) {
  double s = 0;
  dispatch(a.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < n; ++i) s += static_cast<double>(a.as<T>()[i]) * b.as<T>()[i];
  });
  return s;
}

void sum_rows(View x, View y, std::int64_t rows, std::int64_t cols) {
  dispatch(x.dtype, [&]<class T>(T) {
    for (std::int64_t j = 0; j < cols; ++j) {
      double s = 0;
      for (std::int64_t i = 0; i < rows; ++i) s += x.as<T>()[i * cols + j];
      y.as<T>()[j] = static_cast<T>(s);
    }
  });
}

}  // namespace

void add_elementwise(Kernels& k) {
  k.fill = fill;
  k.copy = copy;
  k.binary = binary;
  k.axpby = axpby;
  k.unary = unary;
  k.unary_backward = unary_backward;
  k.sum = sum;
  k.dot = dot;
  k.sum_rows = sum_rows;
}

}  // namespace triptych::reference

// 2-d convolution, channels last (cross-correlation, as the field calls it convolution):
//
//   forward   y[b,r,c,o] = bias[o] + sum_{ky,kx,i} w[o,ky,kx,i] x[b, r s - p + ky, c s - p + kx, i]     x = 0 outside
//   backward  dx[b,u,v,i] = sum over the (r,c,ky,kx) that read it of w[o,ky,kx,i] dy[b,r,c,o]
//             dw[o,ky,kx,i] = sum_{b,r,c} dy[b,r,c,o] x[b, r s - p + ky, c s - p + kx, i],   db[o] = sum dy
#include <vector>

#include "backends/reference/naive.h"

namespace triptych::reference {
namespace {

// f(output position, patch column of channel 0, offset in x of channel 0) for every tap inside the image.
template <class F>
void each_tap(const Conv2dSizes& s, F&& f) {
  for (std::int64_t b = 0; b < s.batch; ++b)
    for (std::int64_t r = 0; r < s.rows(); ++r)
      for (std::int64_t c = 0; c < s.cols(); ++c)
        for (std::int64_t ky = 0; ky < s.kernel; ++ky)
          for (std::int64_t kx = 0; kx < s.kernel; ++kx) {
            const std::int64_t u = r * s.stride - s.pad + ky, v = c * s.stride - s.pad + kx;
            if (u < 0 || u >= s.height || v < 0 || v >= s.width) continue;
            f((b * s.rows() + r) * s.cols() + c, (ky * s.kernel + kx) * s.channels,
              ((b * s.height + u) * s.width + v) * s.channels);
          }
}

void conv2d(const Conv2dSizes& s, View x, View w, View b, View y) {
  const std::int64_t positions = s.batch * s.rows() * s.cols();
  std::vector<double> sum(static_cast<std::size_t>(positions * s.out));
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < positions * s.out; ++i) sum[static_cast<std::size_t>(i)] = b.as<T>()[i % s.out];
    each_tap(s, [&](std::int64_t at, std::int64_t column, std::int64_t from) {
      for (std::int64_t o = 0; o < s.out; ++o)
        for (std::int64_t i = 0; i < s.channels; ++i)
          sum[static_cast<std::size_t>(at * s.out + o)] +=
              static_cast<double>(w.as<T>()[o * s.patch() + column + i]) * x.as<T>()[from + i];
    });
    for (std::int64_t i = 0; i < positions * s.out; ++i)
      y.as<T>()[i] = static_cast<T>(sum[static_cast<std::size_t>(i)]);
  });
}

void conv2d_backward(const Conv2dSizes& s, View dy, View x, View w, View dx, View dw, View db) {
  const std::int64_t pixels = s.batch * s.height * s.width * s.channels, positions = s.batch * s.rows() * s.cols();
  std::vector<double> sum_x(static_cast<std::size_t>(pixels)), sum_w(static_cast<std::size_t>(s.out * s.patch())),
      sum_b(static_cast<std::size_t>(s.out));
  dispatch(x.dtype, [&]<class T>(T) {
    each_tap(s, [&](std::int64_t at, std::int64_t column, std::int64_t from) {
      for (std::int64_t o = 0; o < s.out; ++o)
        for (std::int64_t i = 0; i < s.channels; ++i) {
          const double g = dy.as<T>()[at * s.out + o];
          sum_w[static_cast<std::size_t>(o * s.patch() + column + i)] += g * x.as<T>()[from + i];
          sum_x[static_cast<std::size_t>(from + i)] += g * w.as<T>()[o * s.patch() + column + i];
        }
    });
    for (std::int64_t i = 0; i < positions * s.out; ++i) sum_b[static_cast<std::size_t>(i % s.out)] += dy.as<T>()[i];
    for (std::size_t i = 0; i < sum_w.size(); ++i) dw.as<T>()[i] = static_cast<T>(sum_w[i]);
    for (std::size_t i = 0; i < sum_b.size(); ++i) db.as<T>()[i] = static_cast<T>(sum_b[i]);
    for (std::size_t i = 0; dx && i < sum_x.size(); ++i) dx.as<T>()[i] = static_cast<T>(sum_x[i]);
  });
}

}  // namespace

void add_conv2d(Kernels& k) {
  k.conv2d = conv2d;
  k.conv2d_backward = conv2d_backward;
}

}  // namespace triptych::reference

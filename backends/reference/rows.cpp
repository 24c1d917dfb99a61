#include <algorithm>
#include <cmath>

#include "backends/reference/naive.h"

namespace triptych::reference {
namespace {

void layer_norm(View x, View gamma, View beta, View y, View stats, std::int64_t rows, std::int64_t cols, double eps) {
  dispatch(x.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i) {
      const T* in = x.as<T>() + i * cols;
      double mean = 0, var = 0;
      for (std::int64_t j = 0; j < cols; ++j) mean += in[j];
      mean /= static_cast<double>(cols);
      for (std::int64_t j = 0; j < cols; ++j) var += (in[j] - mean) * (in[j] - mean);
      const double inverse = 1 / std::sqrt(var / static_cast<double>(cols) + eps);
      for (std::int64_t j = 0; j < cols; ++j)
        y.as<T>()[i * cols + j] = static_cast<T>(gamma.as<T>()[j] * ((in[j] - mean) * inverse) + beta.as<T>()[j]);
      T* kept = stats.as<T>() + 3 * i;
      kept[0] = static_cast<T>(mean);
      kept[1] = static_cast<T>(mean - kept[0]);
      kept[2] = static_cast<T>(inverse);
    }
  });
}

void layer_norm_backward(View dy, View x, View gamma, View stats, View dx, View dgamma, View dbeta, std::int64_t rows,
                         std::int64_t cols) {
  dispatch(x.dtype, [&]<class T>(T) {
    for (std::int64_t j = 0; j < cols; ++j) {
      double sg = 0, sb = 0;
      for (std::int64_t i = 0; i < rows; ++i) {
        const T* kept = stats.as<T>() + 3 * i;
        const double mean = static_cast<double>(kept[0]) + kept[1], n = (x.as<T>()[i * cols + j] - mean) * kept[2];
        sg += dy.as<T>()[i * cols + j] * n;
        sb += dy.as<T>()[i * cols + j];
      }
      dgamma.as<T>()[j] = static_cast<T>(sg);
      dbeta.as<T>()[j] = static_cast<T>(sb);
    }
    for (std::int64_t i = 0; i < rows; ++i) {
      const T* kept = stats.as<T>() + 3 * i;
      const double mean = static_cast<double>(kept[0]) + kept[1], inverse = kept[2];
      double mean_g = 0, mean_gn = 0;
      for (std::int64_t j = 0; j < cols; ++j) {
        const double g = static_cast<double>(gamma.as<T>()[j]) * dy.as<T>()[i * cols + j];
        mean_g += g;
        mean_gn += g * (x.as<T>()[i * cols + j] - mean) * inverse;
      }
      mean_g /= static_cast<double>(cols);
      mean_gn /= static_cast<double>(cols);
      for (std::int64_t j = 0; j < cols; ++j) {
        const double g = static_cast<double>(gamma.as<T>()[j]) * dy.as<T>()[i * cols + j];
        const double n = (x.as<T>()[i * cols + j] - mean) * inverse;
        dx.as<T>()[i * cols + j] = static_cast<T>(
            (g - TRIPTYCH_TERM("layer_norm.mean_g", mean_g) - TRIPTYCH_TERM("layer_norm.mean_gn", n * mean_gn)) *
            TRIPTYCH_FACTOR("layer_norm.inverse", inverse));
      }
    }
  });
}

void softmax(View x, View mask, View y, std::int64_t rows, std::int64_t cols, std::int64_t rows_per_mask) {
  dispatch(x.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i) {
      const T* in = x.as<T>() + i * cols;
      T* out = y.as<T>() + i * cols;
      const T* real = mask ? mask.as<T>() + i / rows_per_mask * cols : nullptr;
      double top = -INFINITY, total = 0;
      for (std::int64_t j = 0; j < cols; ++j)
        if (!real || real[j] != 0) top = std::max<double>(top, in[j]);
      for (std::int64_t j = 0; j < cols; ++j) {
        const double e = !real || real[j] != 0 ? std::exp(in[j] - top) : 0;
        out[j] = static_cast<T>(e);
        total += e;
      }
      for (std::int64_t j = 0; j < cols; ++j)
        out[j] = total > 0 ? static_cast<T>(out[j] / total) : (total == 0 ? T{0} : static_cast<T>(total));
    }
  });
}

void softmax_backward(View y, View dy, View dx, std::int64_t rows, std::int64_t cols) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i) {
      double s = 0;
      for (std::int64_t j = 0; j < cols; ++j)
        s += static_cast<double>(y.as<T>()[i * cols + j]) * dy.as<T>()[i * cols + j];
      for (std::int64_t j = 0; j < cols; ++j)
        dx.as<T>()[i * cols + j] =
            static_cast<T>(y.as<T>()[i * cols + j] * (dy.as<T>()[i * cols + j] - TRIPTYCH_TERM("softmax.row_sum", s)));
    }
  });
}

void log_softmax(View x, View y, std::int64_t rows, std::int64_t cols) {
  dispatch(x.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i) {
      const T* in = x.as<T>() + i * cols;
      double top = -INFINITY, total = 0;
      for (std::int64_t j = 0; j < cols; ++j) top = std::max<double>(top, in[j]);
      for (std::int64_t j = 0; j < cols; ++j) total += std::exp(in[j] - top);
      for (std::int64_t j = 0; j < cols; ++j) y.as<T>()[i * cols + j] = static_cast<T>(in[j] - top - std::log(total));
    }
  });
}

void log_softmax_backward(View y, View dy, View dx, std::int64_t rows, std::int64_t cols) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i) {
      double s = 0;
      for (std::int64_t j = 0; j < cols; ++j) s += dy.as<T>()[i * cols + j];
      for (std::int64_t j = 0; j < cols; ++j)
        dx.as<T>()[i * cols + j] = static_cast<T>(
            dy.as<T>()[i * cols + j] -
            TRIPTYCH_TERM("log_softmax.row_sum", s * std::exp(static_cast<double>(y.as<T>()[i * cols + j]))));
    }
  });
}

void row_normalise(View x, View y, View norms, std::int64_t rows, std::int64_t cols, double eps) {
  dispatch(x.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i) {
      double s = 0;
      for (std::int64_t j = 0; j < cols; ++j)
        s += static_cast<double>(x.as<T>()[i * cols + j]) * x.as<T>()[i * cols + j];
      const double norm = std::sqrt(s);
      norms.as<T>()[i] = static_cast<T>(norm);
      for (std::int64_t j = 0; j < cols; ++j)
        y.as<T>()[i * cols + j] = static_cast<T>(x.as<T>()[i * cols + j] / std::max(norm, eps));
    }
  });
}

void row_normalise_backward(View y, View norms, View dy, View dx, std::int64_t rows, std::int64_t cols, double eps) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i) {
      const double norm = norms.as<T>()[i];
      double s = 0;
      for (std::int64_t j = 0; j < cols; ++j)
        s += static_cast<double>(y.as<T>()[i * cols + j]) * dy.as<T>()[i * cols + j];
      for (std::int64_t j = 0; j < cols; ++j)
        dx.as<T>()[i * cols + j] =
            norm <= eps ? T{0}
                        : static_cast<T>((dy.as<T>()[i * cols + j] -
                                          TRIPTYCH_TERM("row_normalise.projection", y.as<T>()[i * cols + j] * s)) /
                                         TRIPTYCH_FACTOR("row_normalise.norm", norm));
    }
  });
}

void masked_mean(View x, View mask, View y, std::int64_t batch, std::int64_t tokens, std::int64_t width) {
  dispatch(x.dtype, [&]<class T>(T) {
    for (std::int64_t b = 0; b < batch; ++b) {
      double count = 0;
      for (std::int64_t t = 0; t < tokens; ++t) count += !mask || mask.as<T>()[b * tokens + t] != 0;
      for (std::int64_t j = 0; j < width; ++j) {
        double s = 0;
        for (std::int64_t t = 0; t < tokens; ++t)
          if (!mask || mask.as<T>()[b * tokens + t] != 0) s += x.as<T>()[(b * tokens + t) * width + j];
        y.as<T>()[b * width + j] = count > 0 ? static_cast<T>(s / count) : T{0};
      }
    }
  });
}

void masked_mean_backward(View dy, View mask, View dx, std::int64_t batch, std::int64_t tokens, std::int64_t width) {
  dispatch(dy.dtype, [&]<class T>(T) {
    for (std::int64_t b = 0; b < batch; ++b) {
      double count = 0;
      for (std::int64_t t = 0; t < tokens; ++t) count += !mask || mask.as<T>()[b * tokens + t] != 0;
      for (std::int64_t t = 0; t < tokens; ++t)
        for (std::int64_t j = 0; j < width; ++j) {
          const bool real = !mask || mask.as<T>()[b * tokens + t] != 0;
          dx.as<T>()[(b * tokens + t) * width + j] =
              real ? static_cast<T>(dy.as<T>()[b * width + j] / TRIPTYCH_FACTOR("masked_mean.count", count)) : T{0};
        }
    }
  });
}

void cross_entropy(View logits, View target, View probs, View losses, std::int64_t rows, std::int64_t cols) {
  dispatch(logits.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i) {
      const T* in = logits.as<T>() + i * cols;
      double top = -INFINITY, total = 0;
      for (std::int64_t j = 0; j < cols; ++j) top = std::max<double>(top, in[j]);
      for (std::int64_t j = 0; j < cols; ++j) total += std::exp(in[j] - top);
      for (std::int64_t j = 0; j < cols; ++j)
        probs.as<T>()[i * cols + j] = static_cast<T>(std::exp(in[j] - top) / total);
      losses.as<T>()[i] = static_cast<T>(top + std::log(total) - in[target.as<std::int32_t>()[i]]);
    }
  });
}

void cross_entropy_backward(View probs, View target, View dlosses, View dx, std::int64_t rows, std::int64_t cols) {
  dispatch(probs.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < cols; ++j)
        dx.as<T>()[i * cols + j] =
            dlosses.as<T>()[i] *
            (TRIPTYCH_TERM("cross_entropy.probs", probs.as<T>()[i * cols + j]) -
             TRIPTYCH_TERM("cross_entropy.target", (j == target.as<std::int32_t>()[i] ? T{1} : T{0})));
  });
}

}  // namespace

void add_rows(Kernels& k) {
  k.layer_norm = layer_norm;
  k.layer_norm_backward = layer_norm_backward;
  k.softmax = softmax;
  k.softmax_backward = softmax_backward;
  k.log_softmax = log_softmax;
  k.log_softmax_backward = log_softmax_backward;
  k.row_normalise = row_normalise;
  k.row_normalise_backward = row_normalise_backward;
  k.masked_mean = masked_mean;
  k.masked_mean_backward = masked_mean_backward;
  k.cross_entropy = cross_entropy;
  k.cross_entropy_backward = cross_entropy_backward;
}

}  // namespace triptych::reference

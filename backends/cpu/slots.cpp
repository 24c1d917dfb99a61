// The gates of a GRU cell, and the competition of slots for tokens.
#include "backends/cpu/cpu.h"
#include "backends/cpu/math.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/scratch.h"

namespace triptych::cpu {
namespace {

void gru_gates(View gx, View gh, View h, View y, View gates, std::int64_t rows, std::int64_t width) {
  dispatch(h.dtype, [&]<class T>(T) {
    parallel_rows(rows, 8 * width, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T *u = gx.as<T>() + 3 * i * width, *v = gh.as<T>() + 3 * i * width, *old = h.as<T>() + i * width;
        T *g = gates.as<T>() + 3 * i * width, *to = y.as<T>() + i * width;
#pragma omp simd
        for (std::int64_t j = 0; j < 2 * width; ++j) g[j] = sigmoid(u[j] + v[j]);
        T* candidate = g + 2 * width;
#pragma omp simd
        for (std::int64_t j = 0; j < width; ++j) {
          candidate[j] = tanh(u[2 * width + j] + g[j] * v[2 * width + j]);
          to[j] = (1 - g[width + j]) * candidate[j] + g[width + j] * old[j];
        }
      }
    });
  });
}

void gru_gates_backward(View dy, View gh, View h, View gates, View dgx, View dgh, View dh, std::int64_t rows,
                        std::int64_t width) {
  dispatch(h.dtype, [&]<class T>(T) {
    parallel_rows(rows, 8 * width, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T *up = dy.as<T>() + i * width, *old = h.as<T>() + i * width, *g = gates.as<T>() + 3 * i * width,
                *recurrent = gh.as<T>() + (3 * i + 2) * width;
        T *to_x = dgx.as<T>() + 3 * i * width, *to_h = dgh.as<T>() + 3 * i * width, *to = dh.as<T>() + i * width;
#pragma omp simd
        for (std::int64_t j = 0; j < width; ++j) {
          const T r = g[j], z = g[width + j], n = g[2 * width + j];
          const T dn = up[j] * (1 - z) * (1 - n * n), dr = dn * recurrent[j] * r * (1 - r);
          const T dz = up[j] * (old[j] - n) * z * (1 - z);
          to_x[j] = to_h[j] = dr;
          to_x[width + j] = to_h[width + j] = dz;
          to_x[2 * width + j] = dn;
          to_h[2 * width + j] = dn * r;
          to[j] = up[j] * z;
        }
      }
    });
  });
}

// Every pass goes along the rows of a (slots,tokens) matrix; what belongs to a token is kept in a row of its own.
void slot_competition(const CompetitionSizes& s, View logits, View permission, View w, View share) {
  dispatch(logits.dtype, [&]<class T>(T) {
    constexpr T none = -std::numeric_limits<T>::infinity();
    parallel_for(s.outer, s.outer * s.slots * s.tokens * 4, [&](std::int64_t o) {
      const std::int64_t start = o * s.slots * s.tokens;
      const auto rows = scratch<T>(Slot::tile, s.tokens, s.tokens);
      T *const top = rows[0], *const total = rows[1];
      const auto row_of = [&](std::int64_t k) {
        return permission ? permission.as<T>() + (o / s.outer_per_permission * s.slots + k) * s.tokens : nullptr;
      };
      std::fill_n(top, s.tokens, none);
      std::fill_n(total, s.tokens, T{0});
      for (std::int64_t k = 0; k < s.slots; ++k) {
        const T *l = logits.as<T>() + start + k * s.tokens, *allowed = row_of(k);
#pragma omp simd
        for (std::int64_t j = 0; j < s.tokens; ++j)
          top[j] = (!allowed || allowed[j] > 0) && l[j] > top[j] ? l[j] : top[j];
      }
      for (std::int64_t k = 0; k < s.slots; ++k) {
        const T *l = logits.as<T>() + start + k * s.tokens, *allowed = row_of(k);
        T* a = share.as<T>() + start + k * s.tokens;
#pragma omp simd
        for (std::int64_t j = 0; j < s.tokens; ++j) {
          const T e = exp(l[j] - top[j]), weighted = !allowed ? e : allowed[j] > 0 ? allowed[j] * e : T{0};
          a[j] = weighted;
          total[j] += weighted;
        }
      }
#pragma omp simd
      for (std::int64_t j = 0; j < s.tokens; ++j) total[j] = total[j] == 0 ? T{0} : 1 / total[j];
      for (std::int64_t k = 0; k < s.slots; ++k) {
        T *a = share.as<T>() + start + k * s.tokens, *to = w.as<T>() + start + k * s.tokens;
        double sum = s.eps;
#pragma omp simd reduction(+ : sum)
        for (std::int64_t j = 0; j < s.tokens; ++j) {
          a[j] *= total[j];
          sum += static_cast<double>(a[j]);
        }
        const T inverse = static_cast<T>(1 / sum);
#pragma omp simd
        for (std::int64_t j = 0; j < s.tokens; ++j) to[j] = a[j] * inverse;
      }
    });
  });
}

void slot_competition_backward(const CompetitionSizes& s, View dw, View w, View share, View dlogits) {
  dispatch(dw.dtype, [&]<class T>(T) {
    parallel_for(s.outer, s.outer * s.slots * s.tokens * 4, [&](std::int64_t o) {
      const std::int64_t start = o * s.slots * s.tokens;
      T* const dot = scratch<T>(Slot::tile, s.tokens)[0];  // of a token: sum over slots of a da
      std::fill_n(dot, s.tokens, T{0});
      for (std::int64_t k = 0; k < s.slots; ++k) {
        const std::int64_t at = start + k * s.tokens;
        const T *up = dw.as<T>() + at, *mean = w.as<T>() + at, *a = share.as<T>() + at;
        T* da = dlogits.as<T>() + at;
        double sum = s.eps, product = 0;
#pragma omp simd reduction(+ : sum, product)
        for (std::int64_t j = 0; j < s.tokens; ++j) {
          sum += static_cast<double>(a[j]);
          product += static_cast<double>(up[j]) * static_cast<double>(mean[j]);
        }
        const T inverse = static_cast<T>(1 / sum), centre = static_cast<T>(product);
#pragma omp simd
        for (std::int64_t j = 0; j < s.tokens; ++j) {
          da[j] = (up[j] - centre) * inverse;
          dot[j] += a[j] * da[j];
        }
      }
      for (std::int64_t k = 0; k < s.slots; ++k) {
        const T* a = share.as<T>() + start + k * s.tokens;
        T* da = dlogits.as<T>() + start + k * s.tokens;
#pragma omp simd
        for (std::int64_t j = 0; j < s.tokens; ++j) da[j] = a[j] * (da[j] - dot[j]);
      }
    });
  });
}

}  // namespace

void add_slots(Kernels& k) {
  k.gru_gates = gru_gates;
  k.gru_gates_backward = gru_gates_backward;
  k.slot_competition = slot_competition;
  k.slot_competition_backward = slot_competition_backward;
}

}  // namespace triptych::cpu

// What typed slots are made of: the gates of a GRU cell, and the competition of slots for tokens.
//
//   gates        r = sig(gx_r + gh_r),   z = sig(gx_z + gh_z),   n = tanh(gx_n + r gh_n),   y = (1 - z) n + z h
//   competition  a_kj = perm_kj e^{l_kj} / sum_k perm_kj e^{l_kj},   w_kj = a_kj / (sum_j a_kj + eps)
#include <algorithm>
#include <vector>

#include "backends/reference/naive.h"

namespace triptych::reference {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

void gru_gates(View gx, View gh, View h, View y, View gates, std::int64_t rows, std::int64_t width) {
  dispatch(h.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < width; ++j) {
        const T *u = gx.as<T>() + 3 * i * width + j, *v = gh.as<T>() + 3 * i * width + j;
        T* to = gates.as<T>() + 3 * i * width + j;
        const double r = sigmoid(static_cast<double>(u[0]) + v[0]),
                     z = sigmoid(static_cast<double>(u[width]) + v[width]);
        const double n = std::tanh(u[2 * width] + r * v[2 * width]);
        to[0] = static_cast<T>(r);
        to[width] = static_cast<T>(z);
        to[2 * width] = static_cast<T>(n);
        y.as<T>()[i * width + j] = static_cast<T>((1 - z) * n + z * h.as<T>()[i * width + j]);
      }
  });
}

void gru_gates_backward(View dy, View gh, View h, View gates, View dgx, View dgh, View dh, std::int64_t rows,
                        std::int64_t width) {
  dispatch(h.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < width; ++j) {
        const std::int64_t at = 3 * i * width + j;
        const T* g = gates.as<T>() + at;
        const double r = g[0], z = g[width], n = g[2 * width], up = dy.as<T>()[i * width + j];
        const double dn = up * (1 - z) * (1 - TRIPTYCH_TERM("gru_cell.tanh", n * n));
        const double dr = dn * gh.as<T>()[at + 2 * width] * r * (1 - TRIPTYCH_TERM("gru_cell.reset", r));
        const double dz = up * (h.as<T>()[i * width + j] - TRIPTYCH_TERM("gru_cell.candidate", n)) * z *
                          (1 - TRIPTYCH_TERM("gru_cell.update", z));
        T *to_x = dgx.as<T>() + at, *to_h = dgh.as<T>() + at;
        to_x[0] = to_h[0] = static_cast<T>(dr);
        to_x[width] = to_h[width] = static_cast<T>(dz);
        to_x[2 * width] = static_cast<T>(dn);
        to_h[2 * width] = static_cast<T>(dn * TRIPTYCH_FACTOR("gru_cell.recurrent", r));
        dh.as<T>()[i * width + j] = static_cast<T>(up * z);
      }
  });
}

void slot_competition(const CompetitionSizes& s, View logits, View permission, View w, View share) {
  dispatch(logits.dtype, [&]<class T>(T) {
    for (std::int64_t o = 0; o < s.outer; ++o) {
      const std::int64_t start = o * s.slots * s.tokens,
                         of_permission = o / s.outer_per_permission * s.slots * s.tokens;
      const auto allowed = [&](std::int64_t at) { return permission ? permission.as<T>()[of_permission + at] : T{1}; };
      const T* l = logits.as<T>() + start;
      T* a = share.as<T>() + start;
      for (std::int64_t j = 0; j < s.tokens; ++j) {
        double top = -INFINITY, total = 0;
        for (std::int64_t at = j; at < s.slots * s.tokens; at += s.tokens)
          if (allowed(at) > 0) top = std::max<double>(top, l[at]);
        for (std::int64_t at = j; at < s.slots * s.tokens; at += s.tokens)
          total += allowed(at) > 0 ? allowed(at) * std::exp(l[at] - top) : 0;
        for (std::int64_t at = j; at < s.slots * s.tokens; at += s.tokens)
          a[at] = allowed(at) > 0 ? static_cast<T>(allowed(at) * std::exp(l[at] - top) / total) : T{0};
      }
      for (std::int64_t k = 0; k < s.slots; ++k) {
        double sum = s.eps;
        for (std::int64_t j = 0; j < s.tokens; ++j) sum += a[k * s.tokens + j];
        for (std::int64_t j = 0; j < s.tokens; ++j)
          w.as<T>()[start + k * s.tokens + j] = static_cast<T>(a[k * s.tokens + j] / sum);
      }
    }
  });
}

void slot_competition_backward(const CompetitionSizes& s, View dw, View w, View share, View dlogits) {
  std::vector<double> da(static_cast<std::size_t>(s.slots * s.tokens));
  dispatch(dw.dtype, [&]<class T>(T) {
    for (std::int64_t o = 0; o < s.outer; ++o) {
      const std::int64_t start = o * s.slots * s.tokens;
      const T *up = dw.as<T>() + start, *mean = w.as<T>() + start, *a = share.as<T>() + start;
      for (std::int64_t k = 0; k < s.slots; ++k) {
        double sum = s.eps, dot = 0;
        for (std::int64_t at = k * s.tokens; at < (k + 1) * s.tokens; ++at) {
          sum += a[at];
          dot += static_cast<double>(up[at]) * mean[at];
        }
        for (std::int64_t at = k * s.tokens; at < (k + 1) * s.tokens; ++at)
          da[static_cast<std::size_t>(at)] = (up[at] - TRIPTYCH_TERM("slot_competition.mean", dot)) / sum;
      }
      for (std::int64_t j = 0; j < s.tokens; ++j) {
        double dot = 0;
        for (std::int64_t at = j; at < s.slots * s.tokens; at += s.tokens)
          dot += a[at] * da[static_cast<std::size_t>(at)];
        for (std::int64_t at = j; at < s.slots * s.tokens; at += s.tokens)
          dlogits.as<T>()[start + at] =
              static_cast<T>(a[at] * (da[static_cast<std::size_t>(at)] - TRIPTYCH_TERM("slot_competition.share", dot)));
      }
    }
  });
}

}  // namespace

void add_slots(Kernels& k) {
  k.gru_gates = gru_gates;
  k.gru_gates_backward = gru_gates_backward;
  k.slot_competition = slot_competition;
  k.slot_competition_backward = slot_competition_backward;
}

}  // namespace triptych::reference

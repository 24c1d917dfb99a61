#pragma once

#include <string>

#include "models/context.h"
#include "models/layers/init.h"
#include "ops/conv2d.h"

namespace triptych {

// 2-d convolution, channels last: x (B,H,W,in) -> (B,H',W',out); zero padding of kernel / 2 keeps the size at stride 1.
struct Conv2d {
  ParameterId weight, bias;
  int kernel, stride;
  Conv2d(const Init& init, const std::string& name, std::int64_t in, std::int64_t out, int kernel_size,
         int stride_of_it)
      : weight(init.uniform(name + ".weight", {out, kernel_size * kernel_size * in}, bound(in, kernel_size))),
        bias(init.uniform(name + ".bias", {out}, bound(in, kernel_size))),
        kernel(kernel_size),
        stride(stride_of_it) {}
  Var operator()(const Context& c, const Var& x) const {
    return conv2d(x, c[weight], c[bias], kernel, stride, kernel / 2);
  }

 private:
  static double bound(std::int64_t in, int k) { return 1 / std::sqrt(static_cast<double>(k * k * in)); }
};

}  // namespace triptych

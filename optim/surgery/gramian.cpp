#include "optim/surgery/gramian.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"

namespace triptych::surgery {
namespace {

std::vector<View> rows_of(const Tensor& jacobian) {
  std::vector<View> rows;
  const std::int64_t width = jacobian.shape()[1] * size_of(jacobian.dtype());
  for (std::int64_t i = 0; i < jacobian.shape()[0]; ++i)
    rows.push_back({static_cast<std::byte*>(jacobian.view().data) + i * width, jacobian.dtype()});
  return rows;
}

// One parameter's gradients of all tasks, and any one of them that is there.
struct Block {
  std::vector<View> rows;
  Tensor some;

  Block(std::span<const Gradient> tasks, std::size_t parameter) {
    for (const Gradient& g : tasks) {
      const Tensor& t = g[parameter];
      rows.push_back(t ? t.view() : View{});
      if (t) some = t;
    }
  }
};

void add_products(const Kernels& kernels, std::span<const View> rows, std::int64_t n, Matrix& sum) {
  Matrix g(sum.rows(), sum.cols());  // symmetric: the order of its axes does not matter
  kernels.products(rows.data(), std::ssize(rows), n, g.data());
  sum += g;
}

}  // namespace

Gramian gramian_of(const Matrix& products) {
  const Eigen::Index m = products.rows();
  for (Eigen::Index i = 0; i < m; ++i)
    if (!std::isfinite(products(i, i)))
      throw Error(Exit::input, "surgery.gradient",
                  "[gramian] task " + std::to_string(i) + ": the squared norm of its gradient is " +
                      std::to_string(products(i, i)) + ", must be finite");
  Gramian g{Vector::Zero(m), Matrix::Zero(m, m)};
  for (Eigen::Index i = 0; i < m; ++i)
    if (products(i, i) >= std::numeric_limits<double>::min()) g.norms(i) = std::sqrt(products(i, i));
  for (Eigen::Index i = 0; i < m; ++i)
    for (Eigen::Index j = 0; j <= i; ++j) {
      if (g.norms(i) == 0 || g.norms(j) == 0) continue;
      const double cosine = i == j ? 1 : std::clamp(products(i, j) / g.norms(i) / g.norms(j), -1.0, 1.0);
      g.cosines(i, j) = g.cosines(j, i) = cosine;
    }
  return g;
}

Gramian gramian(const Kernels& kernels, std::span<const Gradient> tasks) {
  Matrix sum = Matrix::Zero(std::ssize(tasks), std::ssize(tasks));
  for (std::size_t p = 0; p < tasks[0].size(); ++p)
    if (const Block block(tasks, p); block.some) add_products(kernels, block.rows, block.some.size(), sum);
  return gramian_of(sum);
}

Gradient combine(const Kernels& kernels, std::span<const Gradient> tasks, const Vector& weights) {
  Gradient step(tasks[0].size());
  for (std::size_t p = 0; p < step.size(); ++p) {
    const Block block(tasks, p);
    if (!block.some) continue;
    step[p] = Tensor(block.some.shape(), block.some.dtype());
    kernels.combine(block.rows.data(), weights.data(), weights.size(), step[p].view(), step[p].size());
  }
  return step;
}

Gramian gramian(const Kernels& kernels, const Tensor& jacobian) {
  const std::int64_t m = jacobian.shape()[0];
  Matrix sum = Matrix::Zero(m, m);
  add_products(kernels, rows_of(jacobian), jacobian.shape()[1], sum);
  return gramian_of(sum);
}

Tensor combine(const Kernels& kernels, const Tensor& jacobian, const Vector& weights) {
  Tensor direction({jacobian.shape()[1]}, jacobian.dtype());
  kernels.combine(rows_of(jacobian).data(), weights.data(), weights.size(), direction.view(), direction.size());
  return direction;
}

}  // namespace triptych::surgery

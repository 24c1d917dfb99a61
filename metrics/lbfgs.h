// L-BFGS with halving steps (Armijo), for the probes. Internal. Nocedal, Wright 2006, Numerical Optimization, alg. 7.4.
#pragma once

#include <functional>

#include "metrics/dense.h"

namespace triptych::metrics {

struct Objective {
  std::function<double(const Matrix& w, Matrix& gradient)> value_and_gradient;
  std::function<Matrix(Matrix)> precondition = [](Matrix g) { return g; };  // about the inverse Hessian times g
  // Called with every accepted w; true ends the search.
  std::function<bool(const Matrix& w)> stop = [](const Matrix&) { return false; };
  double tolerance = 1e-7;  // of the largest gradient entry
  int most_iterations = 1000;
};

struct Minimum {
  Matrix w;
  int iterations = 0;
};
Minimum minimise(const Objective& objective, Matrix start);

}  // namespace triptych::metrics

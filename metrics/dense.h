// What the metrics share inside: double matrices made from checked tensors. Internal; not for other folders.
//
// Metrics are computed in double on Eigen, whatever the dtype of the codes. A code that holds NaN or Inf is refused: a
// NaN compares false with everything, so a diverged model would otherwise read as perfect retrieval.
#pragma once

#ifndef EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_PARALLELIZE  // its threads would change the bits
#endif
#include <Eigen/Core>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace triptych::metrics {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

// Throws Error (input) with "[metric] argument (shape) must be rule", and ", got what" when given.
[[noreturn]] void refuse(const std::string& metric, const std::string& argument, const Tensor& tensor,
                         const std::string& rule, const std::string& got = {});

// Every value of a float tensor of any shape, in double; refuses absent, int32, empty and non-finite ones.
std::vector<double> checked_values(const std::string& metric, const std::string& argument, const Tensor& tensor);

// The (N, d) matrix of a float tensor; refuses other ranks as well.
Matrix checked_matrix(const std::string& metric, const std::string& argument, const Tensor& tensor);

// The other way, float64.
Tensor as_tensor(const Matrix& m);

// Columns minus their means. A matrix whose rows are equal up to rounding becomes exactly 0.
Matrix centred(const Matrix& x);

// Brings the columns of train and test to mean 0 and standard deviation 1 on train. A column whose rows differ by
// rounding alone becomes 0 in both.
void standardise(Matrix& train, Matrix& test);

}  // namespace triptych::metrics

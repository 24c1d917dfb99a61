// The CCA family: how well do the best-matching linear readings of two codes agree? Formulas: cca.cpp, `triptych
// explain cca|svcca|pwcca`. Undefined (nothing is returned) when a side is constant.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/op_info.h"

namespace triptych::metrics {

struct CcaOptions {
  double r = 0;        // added to the diagonal of both covariances
  bool centre = true;  // false: the published CKA demo's CCA, which forgets to
};
struct Cca {
  std::vector<double> rho;  // canonical correlations, from largest to smallest, in [0, 1]
  double mean = 0, mean_squared = 0;
};
// a (N, p), b (N, q), float32 or float64, finite. Throws Error (input) when the rows differ in number, r < 0, or a side
// has as many directions as there are degrees of freedom and r = 0: every correlation would be 1.
std::optional<Cca> cca(const Tensor& a, const Tensor& b, const CcaOptions& options = {});

struct ReducedCca {
  double value = 0;
  std::int64_t dims_a = 0, dims_b = 0;  // directions kept
};
// CCA of the leading singular directions that hold `variance` of each side's variance, in (0, 1]; errors as for cca.
std::optional<ReducedCca> svcca(const Tensor& a, const Tensor& b, double variance = 0.99);
// The same with correlations weighted by how much of a they account for; not symmetric.
std::optional<ReducedCca> pwcca(const Tensor& a, const Tensor& b, double variance = 0.99);

const OpInfo& cca_info();
const OpInfo& svcca_info();
const OpInfo& pwcca_info();

}  // namespace triptych::metrics

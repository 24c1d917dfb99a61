#include "metrics/registry.h"

#include "metrics/cca.h"
#include "metrics/cka.h"
#include "metrics/health.h"
#include "metrics/hsic_test.h"
#include "metrics/hungarian.h"
#include "metrics/logistic_probe.h"
#include "metrics/mlp_probe.h"
#include "metrics/permutation.h"
#include "metrics/retrieval.h"
#include "metrics/ridge_probe.h"
#include "metrics/routing_leakage.h"
#include "metrics/slot_drift.h"
#include "metrics/swap_retrieval.h"

namespace triptych {

std::span<const OpInfo* const> all_metrics() {
  static const OpInfo* const list[] = {
      &metrics::block_shuffle_drift_info(),
      &metrics::cca_info(),
      &metrics::cka_info(),
      &metrics::effective_rank_info(),
      &metrics::hsic_test_info(),
      &metrics::hungarian_info(),
      &metrics::linear_probe_r2_info(),
      &metrics::logistic_probe_info(),
      &metrics::mlp_probe_info(),
      &metrics::mlp_probe_r2_info(),
      &metrics::permutation_consistency_info(),
      &metrics::pwcca_info(),
      &metrics::recall_at_info(),
      &metrics::routing_leakage_info(),
      &metrics::svcca_info(),
      &metrics::swap_retrieval_info(),
  };
  return list;
}

}  // namespace triptych

#include "optim/registry.h"

#include "optim/surgery/aligned_mtl.h"
#include "optim/surgery/cagrad.h"
#include "optim/surgery/config.h"
#include "optim/surgery/dual_cone.h"
#include "optim/surgery/dwa.h"
#include "optim/surgery/famo.h"
#include "optim/surgery/gradnorm.h"
#include "optim/surgery/imtl_g.h"
#include "optim/surgery/mean.h"
#include "optim/surgery/mgda.h"
#include "optim/surgery/nash_mtl.h"
#include "optim/surgery/pcgrad.h"
#include "optim/surgery/uncertainty_weighting.h"

namespace triptych {

std::span<const surgery::Method* const> gramian_methods() {
  static const surgery::Method* const list[] = {
      &surgery::aligned_mtl_method(), &surgery::cagrad_method(), &surgery::config_method(), &surgery::dualproj_method(),
      &surgery::imtl_g_method(),      &surgery::mean_method(),   &surgery::mgda_method(),   &surgery::nash_mtl_method(),
      &surgery::pcgrad_method(),      &surgery::sum_method(),    &surgery::upgrad_method(),
  };
  return list;
}

std::span<const OpInfo* const> all_surgery() {
  static const std::vector<const OpInfo*> list = [] {
    std::vector<const OpInfo*> all(gramian_methods().begin(), gramian_methods().end());
    for (const OpInfo* each : {&surgery::dwa_info(), &surgery::famo_step_info(), &surgery::gradnorm_step_info(),
                               &surgery::uncertainty_weighting_info()})
      all.push_back(each);
    return all;
  }();
  return list;
}

}  // namespace triptych

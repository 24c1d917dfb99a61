#include "losses/registry.h"

#include "losses/attention_leakage.h"
#include "losses/barlow_twins.h"
#include "losses/clip.h"
#include "losses/cmd.h"
#include "losses/contrastive_distance.h"
#include "losses/dcca.h"
#include "losses/flow_matching.h"
#include "losses/flow_path.h"
#include "losses/gaussian_nll.h"
#include "losses/global_entropy.h"
#include "losses/hsic.h"
#include "losses/importance_loss.h"
#include "losses/info_nce.h"
#include "losses/kl_distillation.h"
#include "losses/kl_gaussian.h"
#include "losses/load_loss.h"
#include "losses/local_entropy.h"
#include "losses/mean_square.h"
#include "losses/misa_difference.h"
#include "losses/mse.h"
#include "losses/palette_nll.h"
#include "losses/router_z_loss.h"
#include "losses/siglip.h"
#include "losses/simse.h"
#include "losses/slot_count.h"
#include "losses/switch_balance.h"
#include "losses/variance_hinge.h"
#include "losses/vicreg.h"
#include "losses/xcorr.h"
#include "losses/xcov.h"
#include "losses/xcov_raw.h"

namespace triptych {

std::span<const OpInfo* const> all_losses() {
  static const OpInfo* const list[] = {
      &attention_leakage_info(),
      &barlow_twins_info(),
      &clip_info(),
      &cmd_info(),
      &contrastive_distance_info(),
      &dcca_info(),
      &flow_matching_info(),
      &flow_path_info(),
      &gaussian_nll_info(),
      &global_entropy_info(),
      &hsic_info(),
      &importance_loss_info(),
      &info_nce_info(),
      &kl_distillation_info(),
      &kl_gaussian_info(),
      &load_loss_info(),
      &local_entropy_info(),
      &mean_square_info(),
      &misa_difference_info(),
      &mse_info(),
      &palette_nll_info(),
      &router_z_loss_info(),
      &siglip_info(),
      &simse_info(),
      &slot_count_info(),
      &switch_balance_info(),
      &variance_hinge_info(),
      &vicreg_info(),
      &xcorr_info(),
      &xcov_info(),
      &xcov_raw_info(),
  };
  return list;
}

}  // namespace triptych

#include "ops/registry.h"

#include "ops/add.h"
#include "ops/attend.h"
#include "ops/attend_mix.h"
#include "ops/attention.h"
#include "ops/centre_columns.h"
#include "ops/concat.h"
#include "ops/conv2d.h"
#include "ops/cross_entropy.h"
#include "ops/dropout.h"
#include "ops/embedding_bag.h"
#include "ops/exp.h"
#include "ops/feed_forward.h"
#include "ops/gather.h"
#include "ops/gelu.h"
#include "ops/gram.h"
#include "ops/grouped_linear.h"
#include "ops/gru_cell.h"
#include "ops/gumbel_keep.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "ops/log_softmax.h"
#include "ops/masked_mean.h"
#include "ops/matmul.h"
#include "ops/mean.h"
#include "ops/mean_rows.h"
#include "ops/moe_feed_forward.h"
#include "ops/moe_pool.h"
#include "ops/mul.h"
#include "ops/relu.h"
#include "ops/reshape.h"
#include "ops/row_normalise.h"
#include "ops/scale.h"
#include "ops/scale_rows.h"
#include "ops/sigmoid.h"
#include "ops/slice.h"
#include "ops/slot_competition.h"
#include "ops/softmax.h"
#include "ops/sqrt.h"
#include "ops/square.h"
#include "ops/sub.h"
#include "ops/sum.h"
#include "ops/sum_rows.h"
#include "ops/tanh.h"
#include "ops/top_k_gates.h"
#include "ops/transpose.h"
#include "ops/weighted_mean.h"

namespace triptych {

std::span<const OpInfo* const> all_ops() {
  static const OpInfo* const list[] = {
      // in alphabetical order
      &add_info(),
      &attend_info(),
      &attend_mix_info(),
      &attention_info(),
      &centre_columns_info(),
      &concat_info(),
      &conv2d_info(),
      &cross_entropy_info(),
      &dropout_info(),
      &embedding_bag_info(),
      &exp_info(),
      &feed_forward_info(),
      &gather_info(),
      &gelu_info(),
      &gram_info(),
      &grouped_linear_info(),
      &gru_cell_info(),
      &gumbel_keep_info(),
      &layer_norm_info(),
      &linear_info(),
      &log_softmax_info(),
      &masked_mean_info(),
      &matmul_info(),
      &mean_info(),
      &mean_rows_info(),
      &moe_feed_forward_info(),
      &moe_pool_info(),
      &mul_info(),
      &relu_info(),
      &reshape_info(),
      &row_normalise_info(),
      &scale_info(),
      &scale_rows_info(),
      &sigmoid_info(),
      &slice_info(),
      &slot_competition_info(),
      &softmax_info(),
      &sqrt_info(),
      &square_info(),
      &sub_info(),
      &sum_info(),
      &sum_rows_info(),
      &tanh_info(),
      &top_k_gates_info(),
      &transpose_info(),
      &weighted_mean_info(),
  };
  return list;
}

}  // namespace triptych

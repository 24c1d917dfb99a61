// Ops written out in simpler ops: what the registry compares them with, and what the fused ones (attention, attend,
// feed_forward, gru_cell, slot_competition) fall back to on a device without those kernels. Shapes as in the ops' own
// headers; sizes are not checked again.
#pragma once

#include "ops/attend.h"
#include "ops/attention.h"
#include "ops/slot_competition.h"

namespace triptych::composed {

Attend attend(const Var& q, const Var& x, const Var& weight);
Var attend_mix(const Var& q, const Var& x, const Var& mix, const Var& mask);
Attention attention(const Var& q, const Var& k, const Var& v, const Var& mask, int heads);
Var conv2d(const Var& x, const Var& w, const Var& b, int kernel, int stride, int pad);
Var embedding_bag(const Var& table, const Var& index, const Var& offset);
Var feed_forward(const Var& x, const Var& w1, const Var& b1, const Var& w2, const Var& b2);
Var grouped_linear(const Var& x, const Var& w, bool trans_w);
Var gru_gates(const Var& u, const Var& v, const Var& h);
Var linear(const Var& x, const Var& w, const Var& b);
Var masked_mean(const Var& x, const Var& mask);
SlotCompetition slot_competition(const Var& logits, const Var& permission, double eps);

}  // namespace triptych::composed

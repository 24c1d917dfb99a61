#pragma once

#include "core/op_info.h"

namespace triptych {

struct TopKGates {
  Var gates;  // (tokens, k) probabilities of the chosen experts, largest first
  Var index;  // (tokens, k) int32 constant: the experts, -1 = none
};

// Top-k routing: probs (tokens, experts) -> the k largest of each row, the first of equals first. An entry that is
// exactly 0 (an expert behind a mask, a padding token) is never chosen: its place has gate 0 and index -1. With
// `renormalise` the gates of a row are divided by their sum. Throws Error(input) when k is not in [1, experts], and for
// k = 1 with renormalise: a gate that is always 1 would give the router a gradient of exactly 0.
TopKGates top_k_gates(const Var& probs, int k, bool renormalise = false);

const OpInfo& top_k_gates_info();

}  // namespace triptych

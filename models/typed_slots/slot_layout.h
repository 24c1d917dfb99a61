#pragma once

#include <cstddef>
#include <cstdint>

#include "core/inline_vector.h"
#include "models/factors.h"

namespace triptych {

// The slots of one type in one role: those that make one code.
struct SlotSet {
  AttentionMap::Reader reader = AttentionMap::Reader::private_code;
  std::size_t modality = 0;
  std::int64_t begin = 0, slots = 0;  // rows in the state of all slots
  bool is_private() const { return reader == AttentionMap::Reader::private_code; }
};

// Indices of modalities or sets. The lists of a layout are made anew at every step, so they take no heap memory.
using Indices = InlineVector<std::size_t, 8>;

// Slots that read together. Rivals compete for the tokens, takers keep what they got; both are indices of sets.
struct SlotGroup {
  Indices rivals, takers;
  Indices modalities;    // whose tokens
  bool surface = false;  // their surface, else h
};

// Which slots read which tokens. The takers of all groups, one after another, are the rows of the state.
struct SlotLayout {
  InlineVector<SlotSet, 8> sets;
  InlineVector<SlotGroup, 8> groups;
  std::int64_t slots = 0;  // in all
};

struct SlotRules {
  std::int64_t private_slots = 0, shared_slots = 0;
  bool compete = true, soft = false;
  bool open = true;   // the bridge: share slots take part
  bool joint = true;  // a joint code is wanted
};

// `modalities` are those that the batch has; `apart` are those of them whose surface is not h.
SlotLayout slot_layout(const SlotRules& rules, const Indices& modalities, const Indices& apart);

}  // namespace triptych

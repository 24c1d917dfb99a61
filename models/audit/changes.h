// Other data for a modality, of the same shapes: what must not move a code that cannot see it.
#pragma once

#include <cstdint>

#include "models/model.h"

namespace triptych {

// Every value drawn anew: normal ones of the same root mean square, buckets of n-grams evenly. Row `keep` stays as it
// is (-1: none does), masks too.
ModalityBatch redrawn(const ModalityBatch& of, const ModalitySpec& spec, std::uint64_t stream, std::int64_t keep = -1);
// Real values times 100: what a threshold, a saturated softmax or a largest logit makes of them.
ModalityBatch enlarged(const ModalityBatch& of);
// Every row in the place of the one before it, its mask too: pairs are broken, lengths and gaps move.
ModalityBatch rotated(const ModalityBatch& of);

}  // namespace triptych

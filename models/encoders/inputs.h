#pragma once

#include "core/tape.h"

namespace triptych {

// The data of one modality of a batch on a tape; all absent where the whole batch lacks it.
struct ModalityInputs {
  Var values;        // as ModalityBatch says, and so are the next two
  Var offset, mask;  // absent: a modality without bags; every token is real
  Var surface;       // (B,w): of pictures and texts, what private codes read; computed from the values beside the tape
};

}  // namespace triptych

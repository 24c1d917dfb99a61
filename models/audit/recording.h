// One recording of an audited subject.
#pragma once

#include <vector>

#include "models/audit/audit.h"

namespace triptych {

struct Recording {
  Tape tape{cpu_kernels()};
  Context context;
  AuditedPass pass;

  Recording(const AuditSubject& subject, const Batch& batch) : context(tape, subject.parameters) {
    context.begin(subject.training);
    pass = subject.record(context, batch);
  }
};

// For every node, whether it is a leaf with data of the modality.
std::vector<bool> data_of(const Recording& r, std::size_t modality);

// The nodes where a modality is real: its real data, and the first results of ops on its indices.
std::vector<int> real_data_of(const Recording& r, std::size_t modality);

// Experts chosen by tokens: int32 constants that a routed feed-forward network reads.
std::vector<int> choices_of_experts(const Tape& tape);

}  // namespace triptych

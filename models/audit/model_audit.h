// The audit of a model: in training at every opening of the bridge that its curriculum goes through, and at evaluation.
//
// What a code may depend on follows from what it is: a private code and the shared code of modality m on m alone, the
// joint code on all. The bridge opens the shared side; at no g does it entitle a private code to see another modality.
#pragma once

#include <string>
#include <vector>

#include "models/audit/audit.h"

namespace triptych {

struct AuditSituation {
  std::string name;  // "g=0.5", "evaluation"
  double gate = 1;
  bool training = true;
};
// g at the start, half open and at the end, each once and only where training passes it; then evaluation, with g = 1.
std::vector<AuditSituation> situations(const Bridge& bridge);

struct SituationAudit {
  AuditSituation situation;
  Audit audit;
};
// `model` is of float64, and so are the real values of `batch` (in_double).
std::vector<SituationAudit> audit_model(const Model& model, const Batch& batch);

Batch in_double(const Batch& batch);

}  // namespace triptych

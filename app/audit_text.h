// An audit for people and for machines.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "models/audit/model_audit.h"

namespace triptych::app {

std::string audit_text(const std::string& title, const std::vector<std::string>& modalities,
                       const std::vector<SituationAudit>& audits);
nlohmann::ordered_json audit_json(const std::vector<std::string>& modalities,
                                  const std::vector<SituationAudit>& audits);

}  // namespace triptych::app

#include "models/audit/model_audit.h"

#include <numeric>

#include "core/error.h"
#include "models/scheme_model.h"

namespace triptych {
namespace {

std::string gate_name(double gate) { return gate == 0 ? "g=0" : gate == 1 ? "g=1" : "g=0.5"; }

std::vector<AuditedCode> codes_of(const Model& model, const Factors& f) {
  const auto& modalities = model.config().modalities;
  std::vector<AuditedCode> codes;
  for (std::size_t m = 0; m < modalities.size(); ++m)
    codes.push_back({"private." + modalities[m].name, f.private_codes[m], true, {m}});
  for (std::size_t m = 0; m < modalities.size(); ++m)
    codes.push_back({"shared." + modalities[m].name, f.shared_codes[m], false, {m}});
  std::vector<std::size_t> all(modalities.size());
  std::iota(all.begin(), all.end(), 0);
  codes.push_back({"joint", f.joint, false, all});
  return codes;
}

std::vector<AuditedInput> inputs_of(const SchemeModel::DataOnTape& data) {
  std::vector<AuditedInput> inputs;
  for (std::size_t m = 0; m < data.size(); ++m)
    for (const auto& [leaf, part] : {std::pair(data[m].values, ""), std::pair(data[m].offset, "offset"),
                                     std::pair(data[m].mask, "mask"), std::pair(data[m].surface, "surface")})
      if (leaf) inputs.push_back({leaf, m, part});
  return inputs;
}

}  // namespace

std::vector<AuditSituation> situations(const Bridge& bridge) {
  std::vector<AuditSituation> list;
  for (const double gate : {bridge.gate(0), bridge.gate((bridge.start + bridge.end) / 2), bridge.gate(1)})
    if (list.empty() || list.back().gate != gate) list.push_back({gate_name(gate), gate, true});
  list.push_back({"evaluation", 1, false});
  return list;
}

std::vector<SituationAudit> audit_model(const Model& model, const Batch& batch) {
  const auto* schemes = dynamic_cast<const SchemeModel*>(&model);
  if (!schemes) throw Error(Exit::internal, "audit.model", "only models of schemes can be audited");
  std::vector<SituationAudit> audits;
  for (const AuditSituation& s : situations(model.config().bridge)) {
    const auto record = [&](Context& c, const Batch& b) -> AuditedPass {
      const SchemeModel::DataOnTape data = schemes->enter(c, b, true);
      return {codes_of(model, schemes->factors(c, data, s.gate)), inputs_of(data)};
    };
    audits.push_back({s, audit({model.parameters(), model.config().modalities, batch, s.training, record})});
  }
  return audits;
}

Batch in_double(const Batch& batch) {
  Batch out = batch;
  for (ModalityBatch& m : out.modalities)
    for (Tensor* t : {&m.values, &m.mask})
      if (*t && t->dtype() == DType::f32) *t = t->to(DType::f64);
  return out;
}

}  // namespace triptych

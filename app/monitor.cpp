#include "app/monitor.h"

#include <nlohmann/json.hpp>

#include "app/evaluation_codes.h"
#include "app/monitor_look.h"
#include "core/error.h"
#include "metrics/cka.h"
#include "ops/masked_mean.h"

namespace triptych::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t most_fitted = 512, most_judged = 256, gram_columns = 256;

// What a modality's samples are before any model has seen them, a row each.
Tensor input_rows(const ModalitySpec& spec, const ModalityBatch& b) {
  if (spec.kind == ModalityKind::image)
    return b.values.reshaped({b.values.shape()[0], b.values.size() / b.values.shape()[0]});
  if (spec.kind == ModalityKind::features) {
    Tape tape(cpu_kernels());
    return masked_mean(tape.constant(b.values), b.mask ? tape.constant(b.mask) : Var{}).value();
  }
  const std::int64_t n = b.offset.size() - 1;
  Tensor counts = Tensor::zeros({n, gram_columns}, DType::f32);
  const auto *offset = b.offset.data<std::int32_t>(), *index = b.values.data<std::int32_t>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int32_t g = offset[i]; g < offset[i + 1]; ++g)
      counts.data<float>()[i * gram_columns + index[g] % gram_columns] += 1;
  return counts;
}

SampleCodes codes_of(const Model& model, Context& context, const MonitorSample& sample) {
  context.begin(false);
  SampleCodes c;
  c.factors = model.factors(context, sample.batch);
  for (const Var& z : c.factors.private_codes) c.private_code.push_back(z.value());
  for (const Var& s : c.factors.shared_codes) {
    c.raw_shared_code.push_back(s.value());
    c.shared_code.push_back(unit_rows(s.value()));
  }
  return c;
}

}  // namespace

Monitor::Monitor(const Model& model, const DataSource& data)
    : model_(model), fit_(monitor_sample(data, false, most_fitted)), test_(monitor_sample(data, true, most_judged)) {
  const std::vector<ModalitySpec> specs = data.modalities();
  for (std::size_t m = 0; m < test_.batch.modalities.size(); ++m)
    inputs_.push_back(metrics::inner_product_root(compared_rows(input_rows(specs[m], test_.batch.modalities[m]))));
}

void Monitor::measure(Json& line) const {
  if (test_.items < 4 || fit_.items < 2) return;
  Tape fit_tape(cpu_kernels()), test_tape(cpu_kernels());  // what is on them lives as long
  Context fit_context(fit_tape, model_.parameters()), test_context(test_tape, model_.parameters());
  const SampleCodes fit = codes_of(model_, fit_context, fit_), test = codes_of(model_, test_context, test_);
  if (fit.private_code.size() != inputs_.size() || fit.shared_code.size() != inputs_.size()) return;
  try {
    look({model_.config(), fit_, test_, fit, test, inputs_}, line);
  } catch (const Error& e) {  // a code with NaN or Inf has no figures; the loop finds out by itself when that matters
    if (e.exit != Exit::input) throw;
    line["monitor"] = {{"undefined", e.what()}};
  }
}

}  // namespace triptych::app

#include "app/train_plan.h"

#include <algorithm>

#include "app/terminal.h"
#include "backends/backend.h"
#include "core/error.h"

namespace triptych::app {
namespace {

std::string grouped(std::int64_t n) {  // 1234567 -> "1,234,567"
  std::string digits = std::to_string(n);
  for (std::ptrdiff_t i = std::ssize(digits) - 3; i > 0; i -= 3) digits.insert(static_cast<std::size_t>(i), 1, ',');
  return digits;
}

std::string mebibytes(std::int64_t bytes) { return grouped((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

std::string shape_of(const ModalitySpec& m) {
  switch (m.kind) {
    case ModalityKind::image:
      return "pictures of " + std::to_string(m.height) + " x " + std::to_string(m.breadth) + " x " +
             std::to_string(m.channels);
    case ModalityKind::ngrams: return "hashed n-grams in " + grouped(m.buckets) + " buckets";
    default:
      return (m.tokens == 1 ? "" : std::to_string(m.tokens) + " tokens of ") + std::to_string(m.width) + " features";
  }
}

}  // namespace

std::string plan_text(const RunConfig& config, const DataSource& data, const Model& model, const std::string& out,
                      std::int64_t first_step) {
  const TrainConfig& t = config.train;
  std::size_t width = 8;
  for (const ModalitySpec& m : data.modalities()) width = std::max(width, escape_text(m.name, 32).size());
  std::string text;
  const auto row = [&](const std::string& name, const std::string& what) {
    text += pad(name, width) + "  " + what + "\n";
  };
  row("data", escape_text(data.description(), 4096));
  for (const ModalitySpec& m : data.modalities()) row(escape_text(m.name, 32), shape_of(m));
  std::int64_t bytes = 0;
  for (const Parameter& p : model.parameters()) bytes += p.value.bytes();
  row("model", stack_text(config.model.scheme) + ", " + grouped(model.parameters().count()) + " parameters");
  row("memory", mebibytes(4 * bytes) + " for parameters, gradients and moments");
  const std::string views = config.data.views > 1 && config.data.source != "files"
                                ? " in " + std::to_string(config.data.views) + " views"
                                : "";
  row("training", grouped(t.steps) + " steps of " + grouped(t.batch) + " items" + views +
                      (first_step > 0 ? ", going on after step " + grouped(first_step) : "") + "; seed " +
                      std::to_string(t.seed) + ", " + std::to_string(threads()) +
                      (threads() == 1 ? " thread" : " threads"));
  row("run", escape_text(out, 4096));
  return text;
}

}  // namespace triptych::app

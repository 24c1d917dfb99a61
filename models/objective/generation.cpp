#include "models/objective/generation.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/gather_rows.h"
#include "losses/flow_path.h"
#include "models/generation/noise.h"
#include "models/scheme.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/gather.h"
#include "ops/reshape.h"
#include "ops/scale.h"
#include "ops/scale_rows.h"
#include "ops/sub.h"

namespace triptych {

namespace {

Var index_of(Tape& tape, std::span<const std::int32_t> rows, std::int64_t shift = 0) {
  Tensor index({std::ssize(rows)}, DType::i32);
  for (std::size_t i = 0; i < rows.size(); ++i)
    index.data<std::int32_t>()[i] = static_cast<std::int32_t>(rows[i] + shift);
  return tape.constant(index);
}

Var shared_code(std::size_t m, const Factors& f, std::span<const Encoded> encoded, std::int64_t views) {
  if (views > 1 || encoded.size() == 1) return f.joint;
  Vars others = f.shared_codes;
  others[m] = {};
  return std::any_of(others.begin(), others.end(), [](const Var& v) { return static_cast<bool>(v); })
             ? mean_of_present(others, encoded)
             : Var{};
}

}  // namespace

Generation::Generation(const Init& init, const std::vector<ModalitySpec>& modalities,
                       const std::vector<std::size_t>& generated, const Sizes& sizes, const GeneratorConfig& config)
    : modalities_(modalities), generators_(modalities.size()), config_(config) {
  for (const std::size_t m : generated)
    generators_[m].emplace(init, modalities[m], sizes.shared_width + sizes.private_width, config);
}

Generation::Path Generation::path(Context& c, std::size_t m, const Factors& f, std::span<const Encoded> encoded,
                                  const ModalityBatch& batch, std::int64_t views) const {
  const Var shared = shared_code(m, f, encoded, views);
  if (!batch.values || !f.private_codes[m] || !shared) return {};
  const std::int64_t n = batch.values.shape()[0] / views;
  const Var has = present(encoded[m].h.mask);
  std::vector<std::int32_t> rows;
  for (std::int64_t i = 0; i < n && (config_.samples == 0 || std::ssize(rows) < config_.samples); ++i)
    if (!has || has.value().at(i) != 0) rows.push_back(static_cast<std::int32_t>(i));
  if (rows.empty()) return {};

  Tape& tape = c.tape();
  const Tensor data = generated_tokens(modalities_[m], batch, rows);
  const std::int64_t count = data.shape()[0], tokens = data.shape()[1], width = data.shape()[2];
  const Context::Stream of = c.next_stream();
  Rng rng(of.seed, of.stream);
  Tensor times({count}, data.dtype());
  for (std::int64_t i = 0; i < count; ++i)
    times.set(i, config_.times == FlowTimes::uniform ? rng.uniform() : 1 / (1 + std::exp(0.5 - 1.4 * rng.normal())));
  Tensor told({count}, data.dtype());
  for (std::int64_t i = 0; i < count; ++i) told.set(i, rng.uniform() < config_.hide ? 0 : 1);
  Path p{tape.constant(normal_noise(data.shape(), data.dtype(), rng)), tape.constant(data), tape.constant(times), {}};

  const Var codes[] = {gather(shared, index_of(tape, rows, views > 1 ? n : 0)),
                       gather(f.private_codes[m], index_of(tape, rows))};
  Tensor mask;
  if (batch.mask) gather_rows(batch.mask, rows, mask);
  p.named = (*generators_[m])(c, flow_path(p.x0, p.x1, p.t).x_t, p.t, scale_rows(concat(codes, 1), tape.constant(told)),
                              mask ? tape.constant(mask) : Var{});
  if (!mask) return p;
  std::vector<std::int32_t> real;
  std::vector<double> when;
  for (std::int64_t i = 0; i < mask.size(); ++i)
    if (mask.at(i) != 0) {
      real.push_back(static_cast<std::int32_t>(i));
      when.push_back(times.at(i / tokens));
    }
  const Var index = index_of(tape, real);
  for (Var* v : {&p.x0, &p.x1, &p.named.velocity}) *v = gather(reshape(*v, {count * tokens, width}), index);
  p.t = tape.constant(Tensor::from({std::ssize(when)}, std::span<const double>(when), data.dtype()));
  return p;
}

Tensor Generation::sample(const Parameters& parameters, std::size_t m, const FlowNoise& noise, const Tensor& joint,
                          const Tensor& private_code, const Tensor& mask, const FlowSampling& how) const {
  const double guidance = how.guidance.value_or(config_.usual_guidance(modalities_[m].kind == ModalityKind::image));
  if (guidance != 1 && config_.hide == 0)
    throw Error(Exit::usage, "generate.guidance",
                "guidance of " + std::to_string(guidance) +
                    " needs a generator that knows what samples have in common, and this one never went without codes",
                {}, "train with generator.hide above 0, or generate with guidance 1");
  Tape tape(cpu_kernels());
  Context c(tape, parameters);
  return follow_flow(
      noise,
      [&](const Tensor& x, double t) {
        c.begin(false);
        const Var codes[] = {tape.constant(joint), tape.constant(private_code)};
        const Var k = concat(codes, 1);
        const auto velocity = [&](const Var& condition) {
          const Var times = tape.constant(Tensor::full({x.shape()[0]}, x.dtype(), t));
          return (*generators_[m])(c, tape.constant(x), times, condition, mask ? tape.constant(mask) : Var{}).velocity;
        };
        const Var v = velocity(k);
        if (guidance == 1) return v.value();
        const Var common = velocity(tape.constant(Tensor::zeros(k.shape(), k.dtype())));
        return add(common, scale(sub(v, common), guidance)).value();
      },
      how);
}

}  // namespace triptych

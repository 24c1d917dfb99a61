#include "models/query_banks/query_banks.h"

#include "core/error.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/masked_mean.h"
#include "ops/reshape.h"
#include "ops/scale_rows.h"
#include "ops/slice.h"
#include "ops/tanh.h"

namespace triptych {
namespace {

constexpr double query_deviation = 0.02;  // Q-Former and Perceiver

void check(const QueryBanksConfig& c) {
  const auto refuse = [](const std::string& text) { throw Error(Exit::usage, "model.config", text); };
  if (c.heads < 1 || c.width % c.heads != 0)
    refuse("model.heads = " + std::to_string(c.heads) +
           " must be a divisor of model.width = " + std::to_string(c.width));
  if (c.private_queries < 1 || c.shared_queries < 1) refuse("every bank needs at least 1 query");
  if (c.depth < 1) refuse("model.depth = " + std::to_string(c.depth) + " must be at least 1");
}

// Rows of samples that have no such token become 0, whatever residual connections made of them.
Var only_present(const Var& y, const Var& has) {
  if (!has) return y;
  const std::int64_t batch = y.shape()[0], rest = y.shape()[1] * y.shape()[2];
  return reshape(scale_rows(reshape(y, {batch, rest}), has), y.shape());
}

}  // namespace

QueryBanks::QueryBanks(const Init& init, std::span<const EncodedWidths> modalities, const QueryBanksConfig& config)
    : config_(config) {
  check(config);
  const std::int64_t d = config.width;
  for (const EncodedWidths& m : modalities) {
    project_.emplace_back(init, m, d);
    private_queries_.push_back(init.normal(m.name + ".queries", {config.private_queries, d}, query_deviation));
  }
  const Init shared = init.shared();
  shared_queries_ = shared.normal("shared.queries", {config.shared_queries, d}, query_deviation);
  const auto count = static_cast<std::int64_t>(modalities.size());
  if (config.modality_embedding) embedding_ = shared.normal("shared.embedding", {count, d}, query_deviation);
  if (config.tanh_bridge) alpha_ = shared.fill("shared.alpha", {}, 0);
  const auto blocks = [&](const Init& of, const std::string& name) {
    std::vector<ReadingBlock> list;
    for (int i = 0; i < config.depth; ++i)
      list.emplace_back(of, name + std::to_string(i), d, config.heads, config.pre_norm);
    blocks_.push_back(std::move(list));
  };
  if (config.block_per_bank) {
    for (const EncodedWidths& m : modalities) blocks(init, m.name + ".block");
    blocks(shared, "shared.block");
  } else {
    blocks(init, "block");
  }
}

Reading QueryBanks::read(const Context& c, const std::vector<ReadingBlock>& blocks, const Var& queries,
                         const Tokens& tokens, bool shared, bool maps) const {
  const Var opening = shared && config_.tanh_bridge ? tanh(c[alpha_]) : Var{};
  Reading r{queries, {}};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Readable readable = blocks[i].prepare(c, tokens.x, tokens.mask, queries.shape()[0]);
    const bool last = i + 1 == blocks.size();
    r = blocks[i](c, r.y, readable, opening, maps && last ? Maps::constant : Maps::none);
  }
  r.y = only_present(r.y, present(tokens.mask));
  return r;
}

Factors QueryBanks::factors(Context& c, std::span<const Encoded> encoded, double gate, const Wanted& wanted) const {
  Factors f;
  const bool open = gate > 0 || config_.tanh_bridge;
  const std::size_t modalities = encoded.size();
  const std::int64_t n = config_.private_queries;
  // Queries of one attention that read the same tokens do not see each other: one reading serves both banks.
  const bool together = open && !config_.block_per_bank && !config_.pre_norm && !config_.tanh_bridge;
  const auto closed = [&](const Tokens& tokens) {
    const Shape shape{tokens.x.shape()[0], config_.shared_queries, config_.width};
    return Reading{c.tape().constant(Tensor::zeros(shape, tokens.x.dtype())), {}};
  };
  const auto keep = [&](const Reading& r, AttentionMap::Reader reader, std::size_t m, const Var& mask, Vars& codes,
                        InlineVector<Tokens, 8>& tokens) {
    codes.push_back(masked_mean(r.y, {}));
    if (wanted.tokens) tokens.push_back({r.y, {}});
    if (r.maps) f.attention.push_back({reader, m, r.maps, {}, mask});
  };
  Vars parts, masks;
  bool masked = false;
  for (std::size_t m = 0; m < modalities; ++m) {
    if (!encoded[m].h.x) {
      f.private_codes.push_back({});
      f.shared_codes.push_back({});
      if (wanted.tokens) f.private_tokens.push_back({}), f.shared_tokens.push_back({});
      continue;
    }
    const auto [h, surface] = project_[m](c, encoded[m]);
    Reading of_private, of_shared;
    if (together && project_[m].same()) {
      const Var queries[] = {c[private_queries_[m]], c[shared_queries_]};
      const Reading both = read(c, blocks_[0], concat(queries, 0), h, true, wanted.maps);
      const std::int64_t all = n + config_.shared_queries;
      of_private.y = slice(both.y, 1, 0, n);
      of_shared.y = slice(both.y, 1, n, all);
      if (both.maps) of_private.maps = slice(both.maps, 2, 0, n), of_shared.maps = slice(both.maps, 2, n, all);
    } else {
      of_private = read(c, blocks_of(m), c[private_queries_[m]], surface, false, wanted.maps);
      of_shared = open ? read(c, blocks_of(modalities), c[shared_queries_], h, true, wanted.maps) : closed(h);
    }
    keep(of_private, AttentionMap::Reader::private_code, m, surface.mask, f.private_codes, f.private_tokens);
    keep(of_shared, AttentionMap::Reader::shared_code, m, h.mask, f.shared_codes, f.shared_tokens);
    if (!wanted.joint) continue;
    const auto at = static_cast<std::int64_t>(m);
    parts.push_back(config_.modality_embedding ? add(h.x, reshape(slice(c[embedding_], 0, at, at + 1), {config_.width}))
                                               : h.x);
    masks.push_back(h.mask);
    masked = masked || h.mask;
  }
  if (!wanted.joint) return f;
  for (std::size_t i = 0; masked && i < parts.size(); ++i)
    if (!masks[i]) masks[i] = c.tape().constant(Tensor::full(parts[i].shape().without_last(), parts[i].dtype(), 1));
  const Tokens all{concat(parts, 1), masked ? concat(masks, 1) : Var{}};
  const Reading joint = open ? read(c, blocks_of(modalities), c[shared_queries_], all, true, wanted.maps) : closed(all);
  f.joint = masked_mean(joint.y, {});
  if (wanted.joint_tokens) f.joint_tokens = {joint.y, {}};
  if (joint.maps) f.attention.push_back({AttentionMap::Reader::joint, 0, joint.maps, {}, all.mask});
  return f;
}

}  // namespace triptych

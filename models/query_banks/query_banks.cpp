#include "models/query_banks/query_banks.h"

#include "core/error.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/masked_mean.h"
#include "ops/mul.h"
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
    refuse("query_banks.heads = " + std::to_string(c.heads) +
           " must be a divisor of model.width = " + std::to_string(c.width));
  if (c.private_queries < 1 || c.shared_queries < 1) refuse("every bank needs at least 1 query");
  if (c.experts && !c.pre_norm) refuse("model.ffn = modality-moe needs query_banks.pre_norm: bare banks have no FFN");
  if (c.depth < 1) refuse("query_banks.depth = " + std::to_string(c.depth) + " must be at least 1");
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
  std::vector<std::string> names;
  for (const EncodedWidths& m : modalities) names.push_back(m.name);
  const auto blocks = [&](const Init& of, const std::string& name) {
    std::vector<ReadingBlock> list;
    for (int i = 0; i < config.depth; ++i)
      list.emplace_back(of, name + std::to_string(i), d, config.heads, config.pre_norm, names,
                        config.experts ? &*config.experts : nullptr);
    blocks_.push_back(std::move(list));
  };
  if (config.block_per_bank) {
    for (const EncodedWidths& m : modalities) blocks(init, m.name + ".block");
    blocks(shared, "shared.block");
  } else {
    blocks(init, "block");
  }
}

QueryBanks::Codes QueryBanks::read(Context& c, std::size_t bank, std::span<const Var> banks, const Tokens& tokens,
                                   bool rows, bool maps, double gate) const {
  const std::vector<ReadingBlock>& blocks = blocks_[config_.block_per_bank ? bank : 0];
  const bool shared = bank == project_.size();
  const Var opening = shared && config_.tanh_bridge ? tanh(c[alpha_]) : Var{}, has = present(tokens.mask);
  const Var queries = banks.size() == 1 ? banks[0] : concat(banks, 0);
  Codes codes;
  Readable readable = blocks[0].prepare(c, tokens.x, tokens.mask, queries.shape()[0]);
  if (!rows && !maps && blocks.size() == 1 && !config_.pre_norm && !readable.keys) {
    InlineVector<std::int64_t, 8> counts;
    for (const Var& q : banks) counts.push_back(q.shape()[0]);
    Var y = blocks[0].read.means(c, queries, counts, readable);
    if (opening) y = mul(y, opening);
    y = only_present(y, has);
    for (std::int64_t i = 0; i < y.shape()[1]; ++i)
      codes.pooled.push_back(reshape(slice(y, 1, i, i + 1), {y.shape()[0], y.shape()[2]}));
    return codes;
  }
  Reading r{queries, {}};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i > 0) readable = blocks[i].prepare(c, tokens.x, tokens.mask, queries.shape()[0]);
    r = blocks[i](c, r.y, readable, {bank, gate, has, &codes.routing}, opening,
                  maps && i + 1 == blocks.size() ? Maps::constant : Maps::none);
  }
  r.y = only_present(r.y, has);
  std::int64_t begin = 0;
  for (const Var& q : banks) {
    const std::int64_t end = begin + q.shape()[0];
    codes.rows.push_back(banks.size() == 1 ? r.y : slice(r.y, 1, begin, end));
    codes.maps.push_back(!r.maps || banks.size() == 1 ? r.maps : slice(r.maps, 2, begin, end));
    codes.pooled.push_back(masked_mean(codes.rows[codes.rows.size() - 1], {}));
    begin = end;
  }
  return codes;
}

Factors QueryBanks::factors(Context& c, std::span<const Encoded> encoded, double gate, const Wanted& wanted) const {
  Factors f;
  const bool open = gate > 0 || config_.tanh_bridge;
  const std::size_t modalities = encoded.size();
  // Queries of one attention that read the same tokens do not see each other: one reading serves both banks.
  const bool together = open && !config_.block_per_bank && !config_.pre_norm && !config_.tanh_bridge;
  // For the code `code` of modality m, or the joint one (m = modalities).
  const auto read_one = [&](std::string_view code, std::size_t m, const Tokens& tokens, bool rows) {
    const bool of_private = code == "private";
    const Var q[] = {c[of_private ? private_queries_[m] : shared_queries_]};
    Codes codes = read(c, of_private ? m : modalities, q, tokens, rows, wanted.maps, gate);
    for (std::size_t layer = 0; layer < codes.routing.size(); ++layer) {
      Routing r = codes.routing[layer];
      r.layer = layer, r.modality = m, r.code = code;
      f.routing.push_back(std::move(r));
    }
    return codes;
  };
  const auto read_shared = [&](std::string_view code, std::size_t m, const Tokens& tokens, bool rows) {
    if (open) return read_one(code, m, tokens, rows);
    const std::int64_t batch = tokens.x.shape()[0];
    const auto zeros = [&](const Shape& shape) { return c.tape().constant(Tensor::zeros(shape, tokens.x.dtype())); };
    return Codes{{zeros({batch, config_.width})}, {zeros({batch, config_.shared_queries, config_.width})}, {Var{}}};
  };
  // Bank i of a reading.
  const auto keep = [&](const Codes& r, std::size_t i, AttentionMap::Reader reader, std::size_t m, const Var& mask,
                        Vars& codes, InlineVector<Tokens, 8>& tokens) {
    codes.push_back(r.pooled[i]);
    if (wanted.tokens) tokens.push_back({r.rows[i], {}});
    if (wanted.maps && r.maps[i]) f.attention.push_back({reader, m, r.maps[i], {}, mask});
  };
  InlineVector<Readable, 8> parts;  // of the joint reading
  for (std::size_t m = 0; m < modalities; ++m) {
    if (!encoded[m].h.x) {
      f.private_codes.push_back({});
      f.shared_codes.push_back({});
      if (wanted.tokens) f.private_tokens.push_back({}), f.shared_tokens.push_back({});
      continue;
    }
    const auto [h, surface] = project_[m](c, encoded[m]);
    Codes of_private, of_shared;
    const bool both = together && project_[m].same();
    if (both) {
      const Var banks[] = {c[private_queries_[m]], c[shared_queries_]};
      of_private = of_shared = read(c, m, banks, h, wanted.tokens, wanted.maps, gate);
    } else {
      of_private = read_one("private", m, surface, wanted.tokens);
      of_shared = read_shared("shared", m, h, wanted.tokens);
    }
    keep(of_private, 0, AttentionMap::Reader::private_code, m, surface.mask, f.private_codes, f.private_tokens);
    keep(of_shared, both ? 1 : 0, AttentionMap::Reader::shared_code, m, h.mask, f.shared_codes, f.shared_tokens);
    if (!wanted.joint) continue;
    const auto at = static_cast<std::int64_t>(m);
    const auto embedding = [&] { return reshape(slice(c[embedding_], 0, at, at + 1), {config_.width}); };
    parts.push_back({config_.modality_embedding ? add(h.x, embedding()) : h.x, h.mask, {}, {}});
  }
  if (!wanted.joint) return f;
  const Readable all = joined(parts);
  const Codes joint = read_shared("joint", modalities, {all.x, all.weight}, wanted.joint_tokens);
  f.joint = joint.pooled[0];
  if (wanted.joint_tokens) f.joint_tokens = {joint.rows[0], {}};
  if (wanted.maps && joint.maps[0])
    f.attention.push_back({AttentionMap::Reader::joint, 0, joint.maps[0], {}, all.weight});
  return f;
}

}  // namespace triptych

#include "ops/embedding_bag.h"

#include "core/require.h"
#include "ops/composed.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
embedding_bag: table (n, d), index int32 (t), offset int32 (b + 1)  ->  y (b, d)

  forward   y_i = mean of table[index[j]] over offset[i] <= j < offset[i + 1];   an empty bag is zero
  backward  dtable[r] = sum of dy_i / count_i over the j of bag i with index[j] = r, in the order of j
  saves     index, offset
  source    linearity; Bojanowski et al. 2017, arXiv 1607.04606 (a word as the mean of its character n-grams)
)";

}  // namespace

Var embedding_bag(const Var& table, const Var& index, const Var& offset) {
  constexpr std::string_view op = "embedding_bag";
  require(table.shape().rank() == 2, op, "table", table, "(n, d)");
  require(index.shape().rank() == 1, op, "index", index, "(t)");
  require(offset.shape().rank() == 1 && offset.shape()[0] >= 1, op, "offset", offset, "(b + 1)");
  const std::int64_t n = table.shape()[0], d = table.shape()[1], t = index.shape()[0], bags = offset.shape()[0] - 1;
  require_index(op, "index", index, 0, n, "a row of table", "table", table);
  require_index(op, "offset", offset, 0, t + 1, "a place in index, or its end", "index", index);
  const std::int32_t* o = offset.value().data<std::int32_t>();
  bool rising = o[0] == 0 && o[bags] == t;
  for (std::int64_t i = 0; i < bags; ++i) rising = rising && o[i] <= o[i + 1];
  require(rising, op, "offset", offset, "rising from 0 to the size of index", "index", index);
  const Kernels& k = table.kernels();
  Tensor y({bags, d}, table.dtype());
  k.embedding_bag(table.value().view(), index.value().view(), offset.value().view(), y.view(), bags, d);
  return record(op, y, {table, index, offset},
                [&k, index = index.value(), offset = offset.value(), n, d, bags](const Tensor& dy) -> Grads {
                  Tensor dtable({n, d}, dy.dtype());
                  k.embedding_bag_backward(dy.view(), index.view(), offset.view(), dtable.view(), bags, n, d);
                  return {dtable};
                });
}

const OpInfo& embedding_bag_info() {
  static const OpInfo info{
      .name = "embedding_bag",
      .formula = formula,
      .inputs = {{"table", "(n, d)"}, {"index", "(t)", Kind::index}, {"offset", "(b + 1)", Kind::index}},
      .samples = {{"bags", {normal(4, 3), list({5}, {2, 0, 2, 3, 1}), list({3}, {0, 3, 5})}},
                  {"empty_bags", {normal(3, 2), list({3}, {2, 1, 2}), list({5}, {0, 0, 3, 3, 3})}},
                  {"one_entry", {normal(3, 2), list({1}, {1}), list({2}, {0, 1})}},
                  {"width_one", {normal(3, 1), list({2}, {1, 1}), list({2}, {0, 2})}}},
      .errors = {{{"row", {normal(3, 2), list({3}, {2, 3, 0}), list({2}, {0, 3})}},
                  "[embedding_bag] index[1] = 3 must be a row of table, got table (3, 2)"},
                 {{"negative", {normal(3, 2), list({2}, {2, -1}), list({2}, {0, 2})}},
                  "[embedding_bag] index[1] = -1 must be a row of table, got table (3, 2)"},
                 {{"past_end", {normal(3, 2), list({2}, {2, 1}), list({3}, {0, 3, 2})}},
                  "[embedding_bag] offset[1] = 3 must be a place in index, or its end, got index (2)"},
                 {{"falling", {normal(3, 2), list({2}, {2, 1}), list({4}, {0, 2, 1, 2})}},
                  "[embedding_bag] offset (4) must be rising from 0 to the size of index, got index (2)"}},
      .apply = [](const Call& c) -> Outputs { return {embedding_bag(c[0], c[1], c[2])}; },
      .reference = [](const Call& c) -> Outputs { return {composed::embedding_bag(c[0], c[1], c[2])}; }};
  return info;
}

}  // namespace triptych

// What must hold of the typed slots whatever they have learned.
#include "core/error.h"
#include "models/typed_slots/typed_slots.h"
#include "tests/scheme_codes.h"

using namespace triptych;
using namespace triptych::test;

namespace {

using Slots = Pass<TypedSlots>;

TypedSlotsConfig config_of() { return {.width = 8, .private_slots = 3, .shared_slots = 2}; }

std::vector<TypedSlotsConfig> variants() {
  std::vector<TypedSlotsConfig> list(6, config_of());
  list[1].compete = false, list[1].heads = 2;
  list[2].soft = true;
  list[3].soft = true, list[3].compete = false;
  list[4].gradient = SlotGradient::implicit, list[4].heads = 2;
  list[5].norms = list[5].mlp = list[5].type_in_query = false;
  return list;
}

std::vector<Fed> without(std::vector<Fed> in, std::size_t m, std::int64_t sample) {
  const std::int64_t batch = in[m].x.shape()[0], tokens = in[m].x.shape()[1];
  in[m].mask = Tensor::full({batch, tokens}, DType::f64, 1);
  for (std::int64_t j = 0; j < tokens; ++j) in[m].mask.set(sample * tokens + j, 0);
  return in;
}

}  // namespace

TEST_CASE("typed-slots: shapes of codes, tokens and maps for one, two and three modalities") {
  for (std::size_t modalities : {1, 2, 3})
    for (const TypedSlotsConfig& config : variants()) {
      Slots p(config, inputs(modalities, 4, 8));
      REQUIRE(p.f.private_codes.size() == modalities);
      for (std::size_t m = 0; m < modalities; ++m) {
        CHECK(p.f.private_codes[m].shape() == Shape{4, 8});
        CHECK(p.f.shared_codes[m].shape() == Shape{4, 8});
        CHECK(p.f.private_tokens[m].x.shape() == Shape{4, 3, 8});
        CHECK(p.f.shared_tokens[m].x.shape() == Shape{4, 2, 8});
      }
      CHECK(p.f.joint.shape() == Shape{4, 8});
      CHECK(p.f.joint_tokens.x.shape() == Shape{4, 2, 8});
      REQUIRE(p.f.attention.size() == 2 * modalities + 1);
      for (const AttentionMap& map : p.f.attention) {
        const bool is_private = map.reader == AttentionMap::Reader::private_code;
        CHECK(map.probs.shape()[1] == config.heads);
        CHECK(map.probs.shape()[2] == (is_private ? 3 : 2));
        CHECK(static_cast<bool>(map.foreign) == (config.soft && is_private));
        CHECK((map.probs.requires_grad() || !(config.soft && is_private)));
        for (std::int64_t i = 0, n = map.probs.shape().back(); i < map.probs.value().size() / n; ++i) {
          double sum = 0;
          for (std::int64_t j = 0; j < n; ++j) sum += map.probs.value().at(i * n + j);
          CHECK(sum == doctest::Approx(1));
        }
      }
    }
}

TEST_CASE("typed-slots: padding and the order of the batch change nothing, under competition too") {
  const std::vector<std::int64_t> order = {2, 0, 3, 1};
  for (const TypedSlotsConfig& config : variants()) {
    const std::vector<Fed> in = inputs(2, 4, 8);
    Slots plain(config, in), longer(config, {padded(in[0], 5), padded(in[1], 2)}),
        turned(config, {{rows(in[0].x, order), {}}, {rows(in[1].x, order), {}}});
    for (std::size_t i = 0; i < plain.codes().size(); ++i) {
      CHECK(difference(plain.codes()[i], longer.codes()[i]) < 1e-12);
      CHECK(difference(rows(plain.codes()[i], order), turned.codes()[i]) < 1e-12);
    }
  }
}

TEST_CASE("typed-slots: hard private codes do not depend on a foreign modality; soft ones do, the less the harder") {
  for (const TypedSlotsConfig& config : variants())
    for (const double gate : {0.0, 0.3, 1.0}) {
      Slots p(config, inputs(2, 4, 8), gate);
      for (std::size_t m = 0; m < 2; ++m) {
        CHECK(largest(p.gradient(p.f.private_codes[m], p.tokens[m])) > 0);
        CHECK((largest(p.gradient(p.f.private_codes[m], p.tokens[1 - m])) > 0) == config.soft);
      }
    }
  for (const bool compete : {true, false}) {
    TypedSlotsConfig soft = config_of(), hard = config_of();
    soft.soft = true, soft.ban = 60;
    soft.compete = hard.compete = compete;
    Slots a(soft, inputs(2, 4, 8), 0), b(hard, inputs(2, 4, 8), 0);
    CHECK(difference(a.f.private_codes[0].value(), b.f.private_codes[0].value()) < 1e-12);
  }
}

TEST_CASE("typed-slots: competition takes from private slots what the bridge gives to share slots") {
  const auto mass_of = [](double gate) {
    Slots p(config_of(), inputs(2, 4, 8), gate);
    return p.f.private_codes[0].value();
  };
  // Continuous from the shut bridge on, and no longer the same once it is open.
  CHECK(difference(mass_of(0), mass_of(1e-9)) < 1e-7);
  CHECK(difference(mass_of(0), mass_of(1)) > 1e-4);
}

TEST_CASE("typed-slots: a shut bridge leaves the share slots as they were, without a gradient") {
  for (const TypedSlotsConfig& config : variants()) {
    Slots p(config, inputs(2, 4, 8), 0);
    for (const Var& code : {p.f.shared_codes[0], p.f.shared_codes[1], p.f.joint}) {
      CHECK(same_bits(code.value(), p.f.joint.value()));
      CHECK_FALSE(code.requires_grad());
    }
    const std::vector<Tensor> g = p.parameter_gradients(p.f.private_codes[0]);
    for (std::size_t i = 0; i < g.size(); ++i)
      if (p.parameters[i].shared) CHECK_FALSE(g[i]);
  }
}

TEST_CASE("typed-slots: slots of a missing modality read nothing and keep their value") {
  for (const TypedSlotsConfig& config : variants()) {
    const std::vector<Fed> in = inputs(2, 4, 8), gap = without(in, 1, 2);
    Slots full(config, in), part(config, gap);
    // Where it is missing the share slots that read it alone are still what they were at the start.
    Slots shut(config, in, 0);
    for (std::int64_t j = 0; j < 8; ++j) {
      CHECK(std::abs(part.f.shared_codes[1].value().at(2 * 8 + j) - shut.f.shared_codes[1].value().at(j)) < 1e-14);
      CHECK(std::abs(part.f.private_codes[1].value().at(j) - full.f.private_codes[1].value().at(j)) < 1e-12);
    }
    // What stands in the padding is not read.
    std::vector<Fed> other = gap;
    other[1].x = gap[1].x.clone();
    for (std::int64_t j = 2 * 4 * 8; j < 3 * 4 * 8; ++j) other[1].x.set(j, -7);
    Slots same(config, other);
    for (std::size_t i = 0; i < part.codes().size(); ++i) CHECK(difference(part.codes()[i], same.codes()[i]) < 1e-13);
    Slots alone(config, {in[0], {}});
    CHECK_FALSE(alone.f.private_codes[1]);
    CHECK_FALSE(alone.f.shared_codes[1]);
    if (config.soft) continue;
    for (std::int64_t j = 0; j < 8; ++j)
      CHECK(std::abs(part.f.joint.value().at(2 * 8 + j) - alone.f.joint.value().at(2 * 8 + j)) < 1e-12);
  }
}

TEST_CASE("typed-slots: every slot counts, also after their number has changed") {
  for (const std::int64_t count : {2, 5}) {
    TypedSlotsConfig config = config_of();
    config.private_slots = count;
    Slots p(config, inputs(2, 4, 8));
    CHECK(p.f.private_tokens[0].x.shape() == Shape{4, count, 8});
    const std::vector<Tensor> g = p.parameter_gradients(p.f.private_codes[0]);
    for (std::size_t i = 0; i < g.size(); ++i)
      if (p.parameters[i].name == "m0.slots")
        for (std::int64_t q = 0; q < count; ++q) {
          double worst = 0;
          for (std::int64_t j = 0; j < 8; ++j) worst = std::max(worst, std::abs(g[i].at(q * 8 + j)));
          CHECK(worst > 0);
        }
  }
}

TEST_CASE("typed-slots: truncated gradients change the gradient and not the code") {
  TypedSlotsConfig full = config_of(), bilevel = full, implicit = full, longer = full;
  bilevel.gradient = SlotGradient::bilevel;
  implicit.gradient = SlotGradient::implicit;
  longer.iterations = 4;
  Slots a(full, inputs(2, 4, 8)), b(bilevel, inputs(2, 4, 8)), c(implicit, inputs(2, 4, 8)), d(longer, inputs(2, 4, 8));
  for (std::size_t i = 0; i < a.codes().size(); ++i) {
    CHECK(difference(a.codes()[i], b.codes()[i]) < 1e-13);
    CHECK(difference(d.codes()[i], c.codes()[i]) < 1e-13);
  }
  const auto slots_gradient = [](Slots& p) {
    const std::vector<Tensor> g = p.parameter_gradients(p.f.private_codes[0]);
    for (std::size_t i = 0; i < g.size(); ++i)
      if (p.parameters[i].name == "m0.slots") return g[i];
    return Tensor{};
  };
  CHECK(difference(slots_gradient(a), slots_gradient(b)) > 1e-3);
  CHECK(largest(slots_gradient(c)) == 0);
}

TEST_CASE("typed-slots: the adaptive count is hard and the same at every evaluation, and drawn anew in training") {
  TypedSlotsConfig config = config_of();
  config.adaptive = true;
  const std::vector<Fed> in = inputs(2, 16, 8);
  const auto kept = [&](bool training, std::uint64_t seed) {
    Slots p(config, in, 1, training, {true, true, true, true}, true, seed);
    REQUIRE(p.f.slot_keep.size() == 5);
    return std::pair{p.f.private_tokens[0].mask.value(), p.f.slot_keep[0].value()};
  };
  const auto [mask, probability] = kept(false, 1);
  CHECK(same_bits(mask, kept(false, 2).first));
  for (std::int64_t i = 0; i < mask.size(); ++i) CHECK(mask.at(i) == (probability.at(i) > 0.5 ? 1 : 0));
  CHECK(same_bits(kept(true, 1).first, kept(true, 1).first));
  CHECK_FALSE(same_bits(kept(true, 1).first, kept(true, 2).first));
}

TEST_CASE("typed-slots: the same bits on any number of threads, in loops that are shared out") {
  const int before = threads();
  for (const bool compete : {true, false}) {
    TypedSlotsConfig config{.width = 64, .heads = 4, .compete = compete};
    std::vector<std::vector<Tensor>> found;
    for (const int n : {1, 3}) {
      set_threads(n);
      Slots p(config, inputs(2, 256, 64, DType::f32));
      found.push_back(p.codes());
      for (const Tensor& g : p.parameter_gradients(p.f.joint)) found.back().push_back(g);
    }
    for (std::size_t n = 1; n < found.size(); ++n)
      for (std::size_t i = 0; i < found[0].size(); ++i)
        if (found[0][i]) CHECK(same_bits(found[0][i], found[n][i]));
  }
  set_threads(before);
}

TEST_CASE("typed-slots: impossible sizes are refused") {
  Parameters parameters;
  const Init init(parameters, DType::f64, 1);
  const std::vector<EncodedWidths> widths = {{"a", 8, 8, true}};
  TypedSlotsConfig config = config_of();
  config.iterations = 0;
  CHECK_THROWS_WITH_AS(TypedSlots(init, widths, config), "typed_slots.iterations = 0 must be at least 1", Error);
}

TEST_CASE("typed-slots: gradients of every option agree with finite differences") { check_gradients("typed-slots"); }

// The structural audit: healthy schemes pass, leaks put in on purpose are found with the ops that carry them, and what
// gradients do not see is seen.
#include <doctest/doctest.h>

#include <algorithm>

#include "app/audit_text.h"
#include "app/structure.h"
#include "models/audit/model_audit.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/expert_capacity.h"
#include "ops/masked_mean.h"
#include "ops/mean_rows.h"
#include "ops/moe_pool.h"
#include "ops/scale.h"
#include "ops/slice.h"
#include "ops/sub.h"
#include "tests/scheme_codes.h"

using namespace triptych;

namespace {

std::vector<SituationAudit> audit_scheme(const std::string& scheme, const std::vector<std::string>& set = {}) {
  const app::Structure s = app::open_structure({"", scheme, set}, DType::f64, 0);
  return audit_model(*s.model, s.batch);
}

bool leaks(const std::vector<SituationAudit>& audits) {
  return std::any_of(audits.begin(), audits.end(), [](const SituationAudit& a) { return a.audit.leaks(); });
}

const Dependence& find(const Audit& a, const std::string& code, std::size_t modality) {
  const auto at = std::find_if(a.dependences.begin(), a.dependences.end(),
                               [&](const Dependence& d) { return d.code == code && d.modality == modality; });
  REQUIRE(at != a.dependences.end());
  return *at;
}

std::vector<std::string> ops(const Dependence& d) {
  std::vector<std::string> list;
  for (const Dependence::Step& s : d.way) list.push_back(s.name.empty() ? s.op : s.name);
  return list;
}

// Two modalities of 6 rows, 3 and 2 tokens of width 4; what is planted makes the private code of the first one.
using Planted = std::function<Var(Context&, const Var& text, const Var& image)>;
Audit audit_planted(const Planted& planted, bool training = true) {
  const Parameters none;
  const std::vector<ModalitySpec> modalities = {{.name = "text", .tokens = 3, .width = 4},
                                                {.name = "image", .tokens = 2, .width = 4}};
  Batch batch;
  batch.modalities = {{test::drawn({6, 3, 4}, 1), {}, {}}, {test::drawn({6, 2, 4}, 2), {}, {}}};
  return audit({none, modalities, batch, training, [&](Context& c, const Batch& b) -> AuditedPass {
                  Var x[2];
                  std::vector<AuditedInput> inputs;
                  for (std::size_t m = 0; m < 2; ++m)
                    if (b.modalities[m].values) inputs.push_back({x[m] = c.tape().variable(b.modalities[m].values), m});
                  return {{{"private.text", x[0] ? planted(c, x[0], x[1]) : Var{}, true, {0}}}, inputs};
                }});
}

// Every token to the one expert there is, as many as `capacity` allows of all tokens together.
Var crowded(Context& c, const Var& text, const Var& image, double capacity) {
  const std::int64_t n = 18, m = 12;
  Tensor index = Tensor::zeros({n + m, 1}, DType::i32), probs({n + m, 1}, DType::f64);
  for (std::int64_t i = 0; i < n; ++i) probs.set(i, text.value().at(4 * i));
  for (std::int64_t i = 0; i < m; ++i) probs.set(n + i, image.value().at(4 * i));
  const Tensor kept = drop_overflow(index, probs, expert_capacity(index, 1, capacity), DropOrder::priority);
  Tensor own({n, 1}, DType::i32);
  for (std::int64_t i = 0; i < n; ++i) own.set(i, kept.at(i));
  const auto constant = [&](const Shape& s, std::uint64_t stream) { return c.tape().constant(test::drawn(s, stream)); };
  return moe_pool(text, constant({n, 1}, 5), c.tape().constant(own), constant({1, 5, 4}, 6), constant({1, 5}, 7),
                  constant({1, 4, 5}, 8), constant({1, 4}, 9));
}

}  // namespace

TEST_CASE("audit: in every healthy scheme and stack a private code reads its modality and is blind to the other") {
  struct Kind {
    const char* scheme;
    std::vector<std::string> set = {};
  };
  const std::vector<Kind> kinds = {{"query-banks"},
                                   {"query-banks", {"query_banks.tanh_bridge=true", "query_banks.pre_norm=true"}},
                                   {"query-banks", {"query_banks.pre_norm=true", "model.ffn=modality-moe", "moe.k=2"}},
                                   {"typed-slots"},
                                   {"typed-slots", {"typed_slots.compete=false"}},
                                   {"typed-slots", {"typed_slots.gradient=implicit", "typed_slots.adaptive=true"}},
                                   {"shared-private"},
                                   {"shared-private", {"model.preset=vcca-private"}},
                                   {"shared-private", {"model.preset=misa"}},
                                   {"modality-moe"},
                                   {"modality-moe", {"moe.capacity=0.5", "moe.noise=0.3", "moe.k=2"}},
                                   {"query-banks+shared-private"},
                                   {"typed-slots+modality-moe"},
                                   {"modality-moe+shared-private", {"moe.capacity=1"}}};
  for (const Kind& kind : kinds) {
    CAPTURE(kind.scheme);
    const std::string options = kind.set.empty() ? "" : kind.set[0];
    CAPTURE(options);
    const auto audits = audit_scheme(kind.scheme, kind.set);
    CHECK_FALSE(leaks(audits));
    CHECK(audits.back().situation.name == "evaluation");
    for (const auto& [situation, audit] : audits) {
      CAPTURE(situation.name);
      for (std::size_t m = 0; m < 2; ++m) {
        const std::string code = m == 0 ? "private.text" : "private.image";
        const Dependence &own = find(audit, code, m), &foreign = find(audit, code, 1 - m);
        CHECK(own.path);
        CHECK(own.jacobian > 0);
        CHECK(own.moved > 0);
        CHECK(foreign.jacobian == 0);
        CHECK(foreign.moved == 0);
        CHECK(foreign.choices == 0);
      }
      if (situation.gate == 1) CHECK(find(audit, "joint", 0).jacobian > 0);
      if (situation.gate == 1) CHECK(find(audit, "joint", 1).jacobian > 0);
    }
  }
}

TEST_CASE("audit: slots reach each other's tokens on the tape only, banks not even there") {
  for (const auto& [scheme, path] : {std::pair("typed-slots", true), std::pair("query-banks", false)}) {
    const auto audits = audit_scheme(scheme);
    CHECK(find(audits.back().audit, "private.text", 1).path == path);
  }
}

TEST_CASE("audit: soft permission is a leak, at every opening of the bridge, and the way leads through the reading") {
  for (const char* compete : {"typed_slots.compete=true", "typed_slots.compete=false"}) {
    CAPTURE(compete);
    const auto audits = audit_scheme("typed-slots", {"typed_slots.soft=true", compete});
    for (const auto& [situation, audit] : audits) {
      CAPTURE(situation.name);
      const Dependence& d = find(audit, "private.text", 1);
      CHECK(d.leak());
      CHECK(d.jacobian > 0);
      REQUIRE(d.way.size() > 2);
      CHECK(d.way.front().name == "image");
      for (const Dependence::Step& s : d.way) CHECK(s.name != "text");
      const std::vector<std::string> through = ops(d);
      CHECK(std::any_of(through.begin(), through.end(), [](const std::string& op) {
        return op == "slot_competition" || op.starts_with("att") || op == "matmul";
      }));
    }
  }
}

TEST_CASE("audit: parameters that several modalities train and private codes read are named, and are no leak") {
  const auto banks = audit_scheme("query-banks");
  const auto& common = banks[2].audit.common;  // g = 1: training, where parameters want a gradient
  const auto at = std::find_if(common.begin(), common.end(),
                               [](const CommonParameter& p) { return p.name.find("block0.read.query.weight") == 0; });
  REQUIRE(at != common.end());
  CHECK(at->codes == std::vector<std::string>{"private.text", "private.image"});
  CHECK(at->modalities == std::vector<std::size_t>{0, 1});
  CHECK_FALSE(leaks(banks));
  CHECK(audit_scheme("shared-private")[2].audit.common.empty());
  // Under soft permission a private code reads the experts of the other modality, not its data.
  const auto experts = audit_scheme("modality-moe", {"moe.foreign_penalty=0.5", "moe.k=2"});
  CHECK_FALSE(leaks(experts));
  const auto& read = experts[2].audit.common;
  CHECK(std::any_of(read.begin(), read.end(), [](const CommonParameter& p) { return p.name == "experts.image.w1"; }));
}

TEST_CASE("audit: capacity within a modality ties its samples together, and nothing else does") {
  for (const auto& [set, tied] : {std::pair("moe.capacity=0.5", true), std::pair("moe.capacity=0", false)}) {
    const auto audits = audit_scheme("modality-moe", {set});
    double moved = 0;
    for (const SituationAudit& s : audits)
      for (const AcrossSamples& a : s.audit.across) moved = std::max(moved, a.moved);
    CHECK((moved > 0) == tied);
    for (const AcrossSamples& a : audits.back().audit.across) CHECK_FALSE(a.seen());  // evaluation drops nothing
  }
}

TEST_CASE("audit: a path that is cut by a slice is a candidate and no leak; a thin one is a leak with its ops") {
  const Audit cut = audit_planted([](Context&, const Var& text, const Var& image) {
    const Var both[] = {text, image};
    return masked_mean(slice(concat(both, 1), 1, 0, 3), {});
  });
  const Dependence& none = find(cut, "private.text", 1);
  CHECK(none.path);
  CHECK_FALSE(none.seen());
  CHECK_FALSE(cut.leaks());

  const Audit thin = audit_planted([](Context&, const Var& text, const Var& image) {
    return add(masked_mean(text, {}), scale(masked_mean(image, {}), 1e-9));
  });
  CHECK(thin.leaks());
  CHECK(ops(find(thin, "private.text", 1)) == std::vector<std::string>{"image", "masked_mean", "scale", "add"});
  // ||d(mean of 2 tokens)/dx||_F = sqrt(6 rows * 4 columns * 2 tokens / 4), times 1e-9.
  CHECK(find(thin, "private.text", 1).jacobian.value() == doctest::Approx(1e-9 * std::sqrt(12.0)).epsilon(0.35));
}

TEST_CASE("audit: of two paths the one that carries is told, not the shorter one that does not") {
  const Audit a = audit_planted([](Context&, const Var& text, const Var& image) {
    const Var both[] = {text, image};  // cut again below
    const Var own = masked_mean(slice(concat(both, 1), 1, 0, 3), {});
    return add(own, scale(scale(scale(masked_mean(image, {}), 2), 2), 2));
  });
  CHECK(ops(find(a, "private.text", 1)) ==
        std::vector<std::string>{"image", "masked_mean", "scale", "scale", "scale", "add"});
}

TEST_CASE("audit: a detached value is found although it has no gradient") {
  const Audit a = audit_planted([](Context& c, const Var& text, const Var& image) {
    return add(masked_mean(text, {}), c.detach(masked_mean(image, {})));
  });
  const Dependence& d = find(a, "private.text", 1);
  CHECK(d.leak());
  CHECK(d.jacobian == 0);
  CHECK(d.moved > 0);
  CHECK(ops(d) == std::vector<std::string>{"image", "masked_mean", "constant", "add"});
}

TEST_CASE("audit: batch statistics tie samples together; of the own modality they are told, of the other a leak") {
  const Audit plain = audit_planted([](Context&, const Var& text, const Var&) { return masked_mean(text, {}); });
  CHECK_FALSE(plain.across[0].seen());
  const Audit own = audit_planted([](Context&, const Var& text, const Var&) {
    const Var x = masked_mean(text, {});
    return sub(x, mean_rows(x));
  });
  CHECK(own.across[0].jacobian > 0);
  CHECK(own.across[0].moved > 0);
  CHECK_FALSE(own.leaks());
  const Audit foreign = audit_planted([](Context&, const Var& text, const Var& image) {
    return sub(masked_mean(text, {}), mean_rows(masked_mean(image, {})));
  });
  CHECK(foreign.leaks());
}

TEST_CASE("audit: competition for the room of an expert is found, with a gradient of exactly 0") {
  const auto of = [](double capacity) {
    return audit_planted(
        [=](Context& c, const Var& text, const Var& image) { return crowded(c, text, image, capacity); });
  };
  const Audit tight = of(0.6);
  const Dependence& d = find(tight, "private.text", 1);
  CHECK(d.leak());
  CHECK(d.jacobian == 0);
  CHECK(d.choices > 0);
  CHECK(ops(d) == std::vector<std::string>{"constant", "moe_pool"});
  CHECK_FALSE(of(1).leaks());  // room for all
  const std::string text = app::audit_text("planted", {"text", "image"}, {{{"g=1", 1, true}, tight}});
  CHECK(text.find("computed from image beside the tape") != std::string::npos);
  CHECK(text.find("capacity           private.text: ") != std::string::npos);
  CHECK(text.find("LEAK: private.text sees image\n") != std::string::npos);
}

TEST_CASE("audit: a code that knows whether the other modality is there is told at evaluation") {
  const auto knows = [](Context&, const Var& text, const Var& image) {
    return scale(masked_mean(text, {}), image ? 1.0 : 2.0);
  };
  const Audit a = audit_planted(knows, false);
  CHECK(find(a, "private.text", 1).leak());
  CHECK(find(a, "private.text", 1).by == "absent");
  CHECK_FALSE(audit_planted(knows, true).leaks());
}

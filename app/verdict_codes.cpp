#include <algorithm>

#include "app/report_html.h"
#include "app/verdict_parts.h"

namespace triptych::app {
namespace {

using enum Verdict::Severity;

bool is_private(const std::string& code) { return code.starts_with("private."); }

std::string of_rank(const Rank& r) {
  if (!r.value) return r.code + " is the same for all items";
  return r.code + ": effective rank " + fixed_text(*r.value, 1) + " of " + std::to_string(r.width) + ", " +
         percents(r.spread) + " of its length differs between items";
}

bool collapsed(const Evaluation& e, const Rank& r) {
  if (e.test_items < 4) return false;  // any few points lie on a line
  const bool flat = e.test_items >= limit::few_items && r.width > 1 && r.value && *r.value < limit::one_direction;
  return !r.value || r.spread < limit::same || flat;
}

}  // namespace

bool shared_collapsed(const Evaluation& e) {
  return (e.test_items >= 4 && e.tied > limit::ties) ||
         std::ranges::any_of(e.ranks, [&](const Rank& r) { return !is_private(r.code) && collapsed(e, r); });
}

void judge_collapse(const Evaluation& e, const Objectives& o, std::vector<Verdict>& to) {
  if (shared_collapsed(e)) {
    std::string evidence;
    for (const Rank& r : e.ranks)
      if (!is_private(r.code) && (collapsed(e, r) || e.tied > limit::ties))
        evidence += (evidence.empty() ? "" : "; ") + of_rank(r);
    if (e.tied > limit::ties) evidence += "; " + percents(e.tied) + " of the matches tie";
    to.push_back({bad, "The shared code has collapsed", evidence,
                  o.contrasts ? "more steps, if there were few; a larger weight of the alignment; a smaller train.lr"
                  : o.aligns  ? "a contrastive loss on the shared codes (clip, info_nce), or a larger weight of "
                                "variance_hinge on them; a smaller train.lr"
                              : "nothing in the objective tells shared codes of different items apart: add a term with "
                                "on = \"shared\" (clip, info_nce, vicreg)"});
  }
  std::vector<std::string> codes, figures;
  for (const Rank& r : e.ranks)
    if (is_private(r.code) && collapsed(e, r)) codes.push_back(r.code), figures.push_back(of_rank(r));
  if (!codes.empty())
    to.push_back(
        {o.trains_private ? bad : note, names(codes) + (codes.size() == 1 ? " has" : " have") + " collapsed",
         names(figures),
         "reconstruction from the private codes, or variance_hinge with on = \"private\", keeps them from being "
         "constant, which is the easiest way to be decorrelated"});
}

void judge_private(const Evaluation& e, const Objectives& o, std::vector<Verdict>& to) {
  if (!o.trains_private) {
    to.push_back({note, "No term of the objective trains the private codes",
                  "they are what the encoders happen to give; their figures say little", ""});
    return;
  }
  std::string evidence;
  std::vector<std::string> codes;
  for (const Probe& p : e.probes) {
    if (p.wanted != true || !is_private(p.code)) continue;
    const auto held = p.above_chance();
    if (!held || *held >= limit::noted) continue;
    if (codes.empty() || codes.back() != p.code) codes.push_back(p.code);
    evidence += (evidence.empty() ? "" : "; ") + p.factor + " from " + p.code + " " +
                with_interval(p.value, p.interval) + ", chance " + percents(p.chance);
  }
  if (!codes.empty())
    to.push_back({warning, names(codes) + (codes.size() == 1 ? " hardly holds" : " hardly hold") + " what is private",
                  evidence,
                  "a larger model.private_width, a larger weight of the reconstruction, a smaller one of the "
                  "decorrelation"});
}

void judge_pairs(const Evaluation& e, const Objectives& o, bool collapsed, std::vector<Verdict>& to) {
  bool guessing = true;
  std::size_t shown = e.k.size();  // the largest k that can tell
  for (std::size_t i = 0; i < e.k.size(); ++i) {
    if (e.chance[i] > limit::telling_chance) continue;
    shown = i;
    guessing = guessing && (e.recall_interval[i].low <= e.chance[i] || e.recall[i] < limit::guess * e.chance[i]);
  }
  if (shown == e.k.size() || (guessing && e.test_items < limit::few_items)) {
    to.push_back({note, "Too few held-out items to say whether the shared codes find their pairs",
                  std::to_string(e.test_items) + " items", "hold out more data"});
    return;
  }
  if (collapsed) return;
  const double found = (e.recall[shown] - e.chance[shown]) / (1 - e.chance[shown]);
  if (!guessing && found < limit::seldom)
    to.push_back({note, "The shared codes find their pairs, but seldom",
                  "recall@" + std::to_string(e.k[shown]) + " " +
                      with_interval(e.recall[shown], e.recall_interval[shown]) + ", chance " +
                      percents(e.chance[shown]),
                  "more data or steps, a larger weight of the alignment"});
  if (!guessing) return;
  std::string evidence = "recall@" + std::to_string(e.k[shown]) + " " +
                         with_interval(e.recall[shown], e.recall_interval[shown]) + ", chance " +
                         percents(e.chance[shown]);
  const bool by_heart = !e.train_recall.empty() && e.train_recall[shown] > 2 * e.recall[shown] &&
                        e.train_recall[shown] > 2 * e.chance[shown];
  if (!e.train_recall.empty()) evidence += "; on training items " + percents(e.train_recall[shown]);
  for (const Similarity& s : e.cka)
    if (s.wanted && s.value) evidence += "; CKA of " + s.a + " and " + s.b + " " + fixed_text(*s.value, 2);
  if (!o.aligns)
    to.push_back({bad, "The shared codes do not find their pairs: nothing aligns them", evidence,
                  "a term of the objective with on = \"shared\" and a loss of two codes (clip, info_nce, vicreg)"});
  else if (by_heart)
    to.push_back({bad, "Held-out pairs are not found, training pairs are: the pairs are wrong, or learned by heart",
                  evidence,
                  "check that row i of every file is the same item (shuffled pairs look like this); then more data, "
                  "model.dropout, fewer steps"});
  else
    to.push_back({bad, "The shared codes do not find their pairs: do the rows belong together?", evidence,
                  "check that row i of every file is the same item (shuffled pairs look like this); then more steps, a "
                  "larger weight of the alignment"});
}

}  // namespace triptych::app

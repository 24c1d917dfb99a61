#include <algorithm>
#include <set>

#include "app/report_html.h"
#include "app/verdict_parts.h"

namespace triptych::app {
namespace {

using enum Verdict::Severity;

// The leaks of the codes of one side that are worth a word.
struct Found {
  std::vector<std::string> codes;
  std::string evidence;
  double most = 0;
};
Found found(const Evaluation& e, const char* side) {
  Found f;
  for (const Leak& l : e.leakage) {
    if (!l.code.starts_with(side) || l.of == foreign_input || !l.value || *l.value < limit::noted) continue;
    if (l.interval && l.interval->low <= 0) continue;
    if (std::ranges::find(f.codes, l.code) == f.codes.end()) f.codes.push_back(l.code);
    f.evidence +=
        (f.evidence.empty() ? "" : "; ") + l.code + " knows " + with_interval(*l.value, l.interval) + " of " + l.of;
    f.most = std::max(f.most, *l.value);
  }
  return f;
}

Verdict::Severity severity_of(double leak) { return leak >= limit::bad ? bad : leak >= limit::warned ? warning : note; }

}  // namespace

void judge_masks(const RunConfig& c, const Evaluation& e, const TrainingHistory& h, std::vector<Verdict>& to) {
  std::vector<std::string> codes;
  std::string evidence;
  for (const Leak& l : e.leakage)
    if (l.of == foreign_input && l.value && *l.value > limit::rounding) {
      codes.push_back(l.code);
      evidence += (evidence.empty() ? "" : "; ") + std::string("other modalities move ") +
                  (*l.value < 0.001 ? "less than 0.1 %" : percents(*l.value)) + " of the variance of " + l.code;
    }
  double routed = 0;
  for (const ExpertUse& use : h.experts) routed = std::max(routed, use.leakage);
  if (routed > limit::rounding)
    evidence += (evidence.empty() ? "" : "; ") + std::string("up to ") + percents(routed) +
                " of the routing weight goes to experts of other modalities";
  if (evidence.empty()) return;
  std::string advice;
  if (c.model.typed_slots.soft) advice = "typed_slots.soft = false";
  if (c.model.moe.experts.foreign_penalty > 0)
    advice += (advice.empty() ? "" : ", ") + std::string("moe.foreign_penalty = 0");
  to.push_back({bad,
                (codes.empty() ? "Private codes go through experts of other modalities"
                               : names(codes) + (codes.size() == 1 ? " sees" : " see") + " other modalities") +
                    ": the mask is not hard",
                evidence + "; under a hard mask it is exactly 0",
                advice.empty() ? "hard permission, which no input of another modality passes" : advice});
}

void judge_leaks(const RunConfig& c, const Evaluation& e, std::vector<Verdict>& to) {
  const Objectives o = objectives_of(c.model);
  if (o.trains_private) {
    Found f = found(e, "private.");
    for (const Similarity& s : e.cka)
      if (!s.wanted && s.value && *s.value >= limit::noted && s.a.starts_with("private.") &&
          s.b.starts_with("shared.")) {
        if (*s.value >= limit::alike) {
          f.most = std::max(f.most, limit::warned);
          if (std::ranges::find(f.codes, s.a) == f.codes.end()) f.codes.push_back(s.a);
        }
        f.evidence += (f.evidence.empty() ? "" : "; ") + std::string("CKA of ") + s.a + " and " + s.b + " " +
                      fixed_text(*s.value, 2);
      }
    const char* const repeat = " what is shared";
    if (!f.codes.empty())
      to.push_back({severity_of(f.most),
                    (o.decorrelates ? "" : "Decorrelation is off: ") + names(f.codes) +
                        (f.codes.size() == 1 ? " repeats" : " repeat") + repeat,
                    f.evidence,
                    o.decorrelates
                        ? "a larger weight of the term on \"private-shared\", or a smaller model.private_width"
                        : "a term of the objective with on = \"private-shared\" (xcorr, hsic, "
                          "misa_difference)"});
    else if (!o.decorrelates)
      to.push_back({note, "Decorrelation is off: nothing keeps private and shared codes apart",
                    f.evidence.empty() ? "no leak was found all the same" : f.evidence,
                    "a term of the objective with on = \"private-shared\" (xcorr, hsic, misa_difference)"});
  }
  const Found f = found(e, "shared.");
  if (!f.codes.empty())
    to.push_back(
        {severity_of(f.most), names(f.codes) + (f.codes.size() == 1 ? " tells" : " tell") + " what is private",
         f.evidence,
         "a smaller model.shared_width, a larger weight of the alignment; views of one item that share nothing "
         "else (views.shared)"});
}

}  // namespace triptych::app

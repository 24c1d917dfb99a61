#include "models/typed_slots/slot_layout.h"

#include <algorithm>

namespace triptych {
namespace {

using Reader = AttentionMap::Reader;

class Builder {
 public:
  Builder(const SlotRules& rules, const std::vector<std::size_t>& modalities, const std::vector<bool>& same)
      : rules_(rules), modalities_(modalities), same_(same) {}

  SlotLayout build() {
    const bool all_same = std::all_of(modalities_.begin(), modalities_.end(), [&](std::size_t m) { return same_[m]; });
    if (!rules_.soft)
      hard();
    else if (rules_.compete && all_same)
      soft_rivals();
    else
      soft_apart();
    for (const Plan& p : plans_) {
      SlotGroup g{{}, {}, p.modalities, p.surface};
      for (const SlotSet& s : p.takers) g.takers.push_back(find(s));
      for (const SlotSet& s : p.rivals) g.rivals.push_back(find(s));
      g.rivals.insert(g.rivals.end(), g.takers.begin(), g.takers.end());
      layout_.groups.push_back(std::move(g));
    }
    return layout_;
  }

 private:
  struct Plan {
    std::vector<SlotSet> rivals, takers;  // rivals: those that do not take
    std::vector<std::size_t> modalities;
    bool surface;
  };

  SlotSet private_of(std::size_t m) const { return {Reader::private_code, m, 0, rules_.private_slots}; }
  SlotSet shared_of(std::size_t m) const { return {Reader::shared_code, m, 0, rules_.shared_slots}; }
  SlotSet joint() const { return {Reader::joint, 0, 0, rules_.shared_slots}; }
  std::vector<SlotSet> all_private() const {
    std::vector<SlotSet> sets;
    for (const std::size_t m : modalities_) sets.push_back(private_of(m));
    return sets;
  }
  bool wants_joint() const { return rules_.open && rules_.joint; }

  void add(std::vector<SlotSet> rivals, std::vector<SlotSet> takers, std::vector<std::size_t> modalities,
           bool surface) {
    for (SlotSet s : takers) {
      s.begin = layout_.slots;
      layout_.slots += s.slots;
      layout_.sets.push_back(s);
    }
    plans_.push_back({std::move(rivals), std::move(takers), std::move(modalities), surface});
  }

  std::size_t find(const SlotSet& wanted) const {
    const auto at = std::find_if(layout_.sets.begin(), layout_.sets.end(), [&](const SlotSet& s) {
      return s.reader == wanted.reader && s.modality == wanted.modality;
    });
    return static_cast<std::size_t>(at - layout_.sets.begin());
  }

  void hard() {
    std::vector<SlotSet> rivals;  // of the joint slots
    for (const std::size_t m : modalities_) {
      if (same_[m] && rules_.open) {
        add({}, {private_of(m), shared_of(m)}, {m}, false);
      } else {
        add({}, {private_of(m)}, {m}, true);
        if (rules_.open) add({}, {shared_of(m)}, {m}, false);
      }
      if (rules_.compete && same_[m]) rivals.push_back(private_of(m));
    }
    if (wants_joint()) add(rivals, {joint()}, modalities_, false);
  }

  // Private slots read all tokens, so they fight the joint slots, wanted or not.
  void soft_rivals() {
    for (const std::size_t m : modalities_)
      if (rules_.open) add(all_private(), {shared_of(m)}, {m}, false);
    std::vector<SlotSet> takers = all_private();
    if (rules_.open) takers.push_back(joint());
    add({}, takers, modalities_, false);
  }

  // Keys, or private slots on other tokens than the share slots: nobody of another type to fight with.
  void soft_apart() {
    if (rules_.compete)
      add({}, all_private(), modalities_, true);
    else
      for (const std::size_t m : modalities_) add({}, {private_of(m)}, modalities_, true);
    for (const std::size_t m : modalities_)
      if (rules_.open) add({}, {shared_of(m)}, {m}, false);
    if (wants_joint()) add({}, {joint()}, modalities_, false);
  }

  const SlotRules& rules_;
  const std::vector<std::size_t>& modalities_;
  const std::vector<bool>& same_;
  SlotLayout layout_;
  std::vector<Plan> plans_;
};

}  // namespace

SlotLayout slot_layout(const SlotRules& rules, const std::vector<std::size_t>& modalities,
                       const std::vector<bool>& same) {
  return Builder(rules, modalities, same).build();
}

}  // namespace triptych

#include "models/typed_slots/slot_layout.h"

#include <algorithm>

namespace triptych {
namespace {

using Reader = AttentionMap::Reader;
using Sets = InlineVector<SlotSet, 8>;

class Builder {
 public:
  Builder(const SlotRules& rules, const Indices& modalities, const Indices& apart)
      : rules_(rules), modalities_(modalities), apart_(apart) {}

  SlotLayout build() {
    if (!rules_.soft)
      hard();
    else if (rules_.compete && apart_.empty())
      soft_rivals();
    else
      soft_apart();
    // Rivals may be sets that take in a later group, so they are looked up when all are there.
    for (std::size_t g = 0; g < layout_.groups.size(); ++g) {
      Indices rivals;
      for (const SlotSet& s : rivals_[g]) rivals.push_back(find(s));
      for (const std::size_t taker : layout_.groups[g].takers) rivals.push_back(taker);
      layout_.groups[g].rivals = rivals;
    }
    return layout_;
  }

 private:
  SlotSet private_of(std::size_t m) const { return {Reader::private_code, m, 0, rules_.private_slots}; }
  SlotSet shared_of(std::size_t m) const { return {Reader::shared_code, m, 0, rules_.shared_slots}; }
  SlotSet joint() const { return {Reader::joint, 0, 0, rules_.shared_slots}; }
  Sets all_private() const {
    Sets sets;
    for (const std::size_t m : modalities_) sets.push_back(private_of(m));
    return sets;
  }
  bool same(std::size_t m) const { return std::find(apart_.begin(), apart_.end(), m) == apart_.end(); }
  bool wants_joint() const { return rules_.open && rules_.joint; }

  // A group; rivals are those that do not take.
  void add(const Sets& rivals, const Sets& takers, const Indices& modalities, bool surface) {
    SlotGroup group{{}, {}, modalities, surface};
    for (SlotSet s : takers) {
      s.begin = layout_.slots;
      layout_.slots += s.slots;
      group.takers.push_back(layout_.sets.size());
      layout_.sets.push_back(s);
    }
    layout_.groups.push_back(group);
    rivals_.push_back(rivals);
  }

  std::size_t find(const SlotSet& wanted) const {
    const auto at = std::find_if(layout_.sets.begin(), layout_.sets.end(), [&](const SlotSet& s) {
      return s.reader == wanted.reader && s.modality == wanted.modality;
    });
    return static_cast<std::size_t>(at - layout_.sets.begin());
  }

  void hard() {
    Sets rivals;  // of the joint slots
    for (const std::size_t m : modalities_) {
      if (same(m) && rules_.open) {
        add({}, {private_of(m), shared_of(m)}, {m}, false);
      } else {
        add({}, {private_of(m)}, {m}, true);
        if (rules_.open) add({}, {shared_of(m)}, {m}, false);
      }
      if (rules_.compete && same(m)) rivals.push_back(private_of(m));
    }
    if (wants_joint()) add(rivals, {joint()}, modalities_, false);
  }

  // Private slots read all tokens, so they fight the joint slots, wanted or not.
  void soft_rivals() {
    for (const std::size_t m : modalities_)
      if (rules_.open) add(all_private(), {shared_of(m)}, {m}, false);
    Sets takers = all_private();
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
  const Indices& modalities_;
  const Indices& apart_;
  SlotLayout layout_;
  InlineVector<Sets, 8> rivals_;  // of each group
};

}  // namespace

SlotLayout slot_layout(const SlotRules& rules, const Indices& modalities, const Indices& apart) {
  return Builder(rules, modalities, apart).build();
}

}  // namespace triptych

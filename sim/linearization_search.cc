#include "linearization_search.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "seshat/base/check.h"

namespace seshat {
namespace {

constexpr std::size_t kSlots = 64;

std::uint64_t BitOf(std::size_t slot) {
  return std::uint64_t{1} << slot;
}

bool TakeEffectOn(KeyState& state, const GroupOperation& operation) {
  return TakeEffect(operation.command, operation.places, operation.reply(), state);
}

// Whether one could not tell, had `write` taken effect on `before` just before the `next` one.
bool IsCovered(const GroupOperation& write, KeyState before, const GroupOperation& next,
               const KeyState& after) {
  return TakeEffectOn(before, write) && TakeEffectOn(before, next) && before == after;
}

std::size_t CountIn(const std::map<std::size_t, std::size_t>& used, std::size_t sort) {
  const auto it = used.find(sort);
  return it == used.end() ? 0 : it->second;
}

// Whether two values are the same to all commands that do not show or measure them, whatever is
// appended.
bool AreAlike(const KeyValue& a, const KeyValue& b) {
  if (!a || !b) return !a && !b;
  return !MayBecomeNumber(*a) && !MayBecomeNumber(*b);
}

}  // namespace

bool LinearizationSearch::Frontier::Add(const LinearizationSearch& search,
                                        Possibility possibility) {
  std::vector<Possibility>& equals = by_state_[possibility.state];
  for (const Possibility& other : equals) {
    if (search.Dominates(other, possibility)) return false;
  }
  size_ -= std::erase_if(
      equals, [&](const Possibility& other) { return search.Dominates(possibility, other); });
  equals.push_back(std::move(possibility));
  ++size_;
  return true;
}

LinearizationSearch::LinearizationSearch(const std::set<KeyState>& initial,
                                         std::size_t possibilities_max)
    : possibilities_max_(possibilities_max), slots_(kSlots) {
  for (const KeyState& state : initial) frontier_.Add(*this, Possibility{.state = state});
}

std::set<KeyState> LinearizationSearch::States() const {
  std::set<KeyState> states;
  for (const auto& [state, equals] : frontier_.by_state()) states.insert(state);
  return states;
}

// Whether `a` allows all that `b` does. Pre: equal states.
bool LinearizationSearch::Dominates(const Possibility& a, const Possibility& b) const {
  const std::uint64_t done_in_a = open_ & ~a.obliged & ~a.optional;
  const std::uint64_t done_in_b = open_ & ~b.obliged & ~b.optional;
  if ((a.obliged & ~b.obliged) != 0 || (done_in_a & ~done_in_b) != 0) return false;
  return std::all_of(a.used.begin(), a.used.end(), [&](const auto& entry) {
    return entry.second <= CountIn(b.used, entry.first);
  });
}

void LinearizationSearch::Call(const GroupOperation& operation) {
  if (operation.is_unknown) {
    Unknown& unknown = unknowns_[operation.sort];
    unknown.operation = &operation;
    ++unknown.count;
    return;
  }
  const auto slot = static_cast<std::size_t>(std::countr_one(open_));
  SESHAT_CHECK_MSG(slot < kSlots, "more than 64 operations that returned are under way at once");
  slots_[slot] = &operation;
  open_ |= BitOf(slot);
  for (auto& [state, equals] : frontier_.by_state()) {
    for (Possibility& possibility : equals) {
      possibility.obliged |= BitOf(slot);
      Notice(possibility);
    }
  }
}

// Lets those of the obliged off that can take effect on this state without a trace.
void LinearizationSearch::Notice(Possibility& possibility) const {
  for (std::uint64_t left = possibility.obliged; left != 0; left &= left - 1) {
    const auto slot = static_cast<std::size_t>(std::countr_zero(left));
    const GroupOperation& operation = *slots_[slot];
    if (!operation.has_changed_nothing && !operation.command.IsBlind()) continue;
    KeyState state = possibility.state;
    if (!TakeEffectOn(state, operation) || state != possibility.state) continue;
    possibility.obliged &= ~BitOf(slot);
    possibility.optional |= BitOf(slot);
  }
}

// Nothing where the operation cannot take effect, or need not because it would change nothing.
std::optional<Possibility> LinearizationSearch::Take(const Possibility& from,
                                                     const Move& move) const {
  const GroupOperation& operation = *move.operation;
  Possibility to = from;
  if (!TakeEffectOn(to.state, operation)) return std::nullopt;
  const std::uint64_t bit = operation.is_unknown ? 0 : BitOf(move.slot);
  if ((from.obliged & bit) == 0 && to.state == from.state) return std::nullopt;
  to.obliged &= ~bit;
  to.optional &= ~bit;
  if (operation.is_unknown) ++to.used[operation.sort];

  // The one that returns is not let off: instead it may take effect now, and this one after it.
  for (std::uint64_t left = to.obliged; left != 0; left &= left - 1) {
    const auto slot = static_cast<std::size_t>(std::countr_zero(left));
    const GroupOperation& other = *slots_[slot];
    if (!other.command.IsBlind() || (other.keys & operation.keys) == 0) continue;
    if (slots_[slot] == returning_.operation) continue;
    if (!IsCovered(other, from.state, operation, to.state)) continue;
    to.obliged &= ~BitOf(slot);
    to.optional |= BitOf(slot);
  }
  Notice(to);
  return to;
}

// All `moves` but one.
std::optional<Possibility> LinearizationSearch::TakeAll(const Possibility& from,
                                                        const std::vector<Move>& moves,
                                                        std::size_t but) const {
  std::optional<Possibility> at = from;
  for (std::size_t i = 0; i < moves.size() && at; ++i) {
    if (i != but) at = Take(*at, moves[i]);
  }
  return at;
}

// Whether one of the moves that led here, but the returning one's, may as well be made after it.
bool LinearizationSearch::CanWait(const Visit& visit) const {
  const std::uint64_t bit = BitOf(returning_.slot);
  for (std::size_t i = 0; i < visit.moves.size(); ++i) {
    if (visit.moves[i].operation == returning_.operation) continue;
    std::optional<Possibility> other = TakeAll(*visit.start, visit.moves, i);
    if (!other || (other->obliged & bit) != 0) continue;
    other = Take(*other, visit.moves[i]);
    if (other && other->state == visit.at.state && Dominates(*other, visit.at)) return true;
  }
  return false;
}

template <typename Action>
void LinearizationSearch::ForEachUnderWay(Action action) const {
  for (std::uint64_t left = open_; left != 0; left &= left - 1) {
    action(*slots_[static_cast<std::size_t>(std::countr_zero(left))]);
  }
  for (const auto& [sort, unknown] : unknowns_) action(*unknown.operation);
}

void LinearizationSearch::FindReach() {
  reach_ = {.connected = returning_.operation->keys};
  for (std::uint8_t before = 0; before != reach_.connected;) {
    before = reach_.connected;
    ForEachUnderWay([&](const GroupOperation& operation) {
      if ((operation.keys & reach_.connected) != 0) reach_.connected |= operation.keys;
    });
  }
  ForEachUnderWay([&](const GroupOperation& operation) {
    if (operation.command.kind == KeyCommand::Kind::kAppend) reach_.appended |= operation.keys;
    if (operation.command.kind == KeyCommand::Kind::kIncr) reach_.incremented |= operation.keys;
    const auto noticed = static_cast<std::uint8_t>(operation.keys & ~operation.unseen);
    if (operation.is_unknown && operation.command.condition != KeyCommand::Condition::kAlways) {
      reach_.conditional |= noticed;
    }
    if (!operation.has_changed_nothing && operation.command.IsOverwrite()) {
      reach_.covered |= noticed;
    }
  });
}

std::vector<LinearizationSearch::Move> LinearizationSearch::Moves(const Possibility& from) const {
  std::vector<Move> moves;
  for (std::uint64_t left = from.obliged | from.optional; left != 0; left &= left - 1) {
    const auto slot = static_cast<std::size_t>(std::countr_zero(left));
    if ((slots_[slot]->keys & reach_.connected) != 0) moves.push_back({slots_[slot], slot});
  }
  for (const auto& [sort, unknown] : unknowns_) {
    if ((unknown.operation->keys & reach_.connected) == 0) continue;
    if (CountIn(from.used, sort) < unknown.count) moves.push_back({unknown.operation, 0});
  }
  return moves;
}

// Whether a value fits, perhaps after something is appended to it or it is incremented.
bool LinearizationSearch::CouldFit(const KeyValue& held, const KeyEvidence& evidence) const {
  if (evidence.Fits(held)) return true;
  const bool is_appended = (reach_.appended >> evidence.place & 1) != 0;
  const bool is_incremented = (reach_.incremented >> evidence.place & 1) != 0;
  const std::string text = held.value_or("");
  const bool may_become_number = MayBecomeNumber(text);
  if (evidence.is_no_number) return may_become_number && (is_appended || is_incremented);
  if (evidence.size) {
    return (text.size() < *evidence.size && is_appended) || (is_incremented && may_become_number);
  }
  if (!evidence.value) return false;
  if (is_appended && evidence.value->starts_with(text)) return true;
  if (!is_incremented || !may_become_number) return false;
  if (is_appended) return MayBecomeNumber(evidence.value->substr(0, 1));
  const auto now = held ? NumberIn(text) : 0;
  const auto then = NumberIn(*evidence.value);
  return now && then && *now < *then;
}

// Whether one of the obliged can tell that the key changed.
bool LinearizationSearch::IsNoticed(std::uint64_t obliged, std::uint8_t place,
                                    const KeyValue& before, const KeyValue& after) const {
  for (std::uint64_t left = obliged; left != 0; left &= left - 1) {
    const GroupOperation& operation = *slots_[static_cast<std::size_t>(std::countr_zero(left))];
    for (const KeyEvidence& evidence : operation.evidence) {
      if (evidence.place != place || !CouldFit(after, evidence)) continue;
      const bool is_exact = evidence.value || evidence.size;
      const bool is_alike =
          evidence.is_no_number ? AreAlike(before, after) : before.has_value() == after.has_value();
      if (is_exact || !is_alike) return true;
    }
  }
  return false;
}

// Whether an optional move makes a difference before the return. If not it can be left out, or made
// later.
bool LinearizationSearch::IsWorthwhile(const Possibility& from, const Possibility& to,
                                       const Move& move) const {
  const GroupOperation& operation = *move.operation;
  // For the one that returns it is the last opportunity.
  if (&operation == returning_.operation) return true;
  if (!operation.is_unknown && (from.obliged & BitOf(move.slot)) != 0) return true;
  // One of several keys may be covered before the return, and another noticed long after it.
  const bool is_part_covered =
      !std::has_single_bit(operation.keys) && (operation.keys & reach_.covered) != 0;
  for (const std::uint8_t place : operation.places) {
    const KeyValue& before = from.state[place];
    const KeyValue& after = to.state[place];
    if (before == after) continue;
    const bool is_unseen = (operation.unseen >> place & 1) != 0;
    const bool is_alike = AreAlike(before, after);
    if (is_part_covered && (!is_unseen || !is_alike)) return true;
    if (!is_alike && (reach_.conditional >> place & 1) != 0) return true;
    if (IsNoticed(from.obliged, place, before, after)) return true;
  }
  return false;
}

// Whether the returning operation can still change something.
bool LinearizationSearch::IsPending(const Possibility& possibility) const {
  const std::uint64_t bit = BitOf(returning_.slot);
  if ((possibility.obliged & bit) != 0) return true;
  return (possibility.optional & bit) != 0 && !returning_.operation->has_changed_nothing;
}

// Makes each move from a possibility in which the returning operation is pending. False: too many
// possibilities.
bool LinearizationSearch::Expand(const Visit& visit, Frontier& visited, std::vector<Visit>& work,
                                 Frontier& result) {
  for (const Move& move : Moves(visit.at)) {
    std::optional<Possibility> to = Take(visit.at, move);
    if (!to) continue;
    if (!IsWorthwhile(visit.at, *to, move)) continue;
    Visit next{std::move(*to), visit.start, visit.moves};
    next.moves.push_back(move);
    const bool may_return = (next.at.obliged & BitOf(returning_.slot)) == 0;
    if (may_return && !CanWait(next)) result.Add(*this, next.at);
    if (IsPending(next.at) && visited.Add(*this, next.at)) work.push_back(std::move(next));
  }
  return visited.size() + result.size() <= possibilities_max_;
}

LinearizationSearch::Outcome LinearizationSearch::Return(const GroupOperation& operation) {
  const auto slot = static_cast<std::size_t>(std::find(slots_.begin(), slots_.end(), &operation) -
                                             slots_.begin());
  SESHAT_CHECK(slot < kSlots);
  returning_ = {&operation, slot};
  FindReach();

  Frontier result;
  Frontier visited;
  std::vector<Visit> work;
  for (const auto& [state, equals] : frontier_.by_state()) {
    for (const Possibility& possibility : equals) {
      if ((possibility.obliged & BitOf(slot)) == 0) result.Add(*this, possibility);
      if (IsPending(possibility) && visited.Add(*this, possibility)) {
        work.push_back({possibility, &possibility, {}});
      }
    }
  }
  // In order of the number of moves: so the best come first and the others are not looked at.
  for (std::size_t i = 0; i < work.size(); ++i) {
    const Visit visit = std::move(work[i]);
    if (!Expand(visit, visited, work, result)) return Outcome::kUndecided;
  }
  Finish(std::move(result), slot);
  return frontier_.size() == 0 ? Outcome::kImpossible : Outcome::kPossible;
}

void LinearizationSearch::Finish(Frontier result, std::size_t slot) {
  slots_[slot] = nullptr;
  open_ &= ~BitOf(slot);
  frontier_ = {};
  for (auto& [state, equals] : result.by_state()) {
    for (Possibility& possibility : equals) {
      possibility.optional &= ~BitOf(slot);
      frontier_.Add(*this, std::move(possibility));
    }
  }
  ForgetWhatAllUsed();
  returning_ = {};
}

// Keeps `used` short however long the history is.
void LinearizationSearch::ForgetWhatAllUsed() {
  std::map<std::size_t, std::size_t> by_all;
  bool is_first = true;
  for (const auto& [state, equals] : frontier_.by_state()) {
    for (const Possibility& possibility : equals) {
      if (is_first) by_all = possibility.used;
      is_first = false;
      for (auto& [sort, count] : by_all) count = std::min(count, CountIn(possibility.used, sort));
    }
  }
  std::erase_if(by_all, [](const auto& entry) { return entry.second == 0; });
  for (const auto& [sort, count] : by_all) {
    for (auto& [state, equals] : frontier_.by_state()) {
      for (Possibility& possibility : equals) {
        auto it = possibility.used.find(sort);
        it->second -= count;
        if (it->second == 0) possibility.used.erase(it);
      }
    }
    Unknown& unknown = unknowns_.at(sort);
    unknown.count -= count;
    if (unknown.count == 0) unknowns_.erase(sort);
  }
}

}  // namespace seshat

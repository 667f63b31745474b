// The search for an order of events, moment by moment, over the keys of one group.
//
// It keeps every way in which things may have gone so far (a Possibility) and looks for more only
// when an operation returns that has not taken effect in one of them: then, and not before,
// operations under way are tried in front of it (Lowe 2017, "just in time"). What keeps the
// possibilities few:
//
// - Of two with equal state, one may allow all that the other does: the other is dropped. Having
//   used fewer operations of unknown outcome is such an advantage.
// - What has changed nothing takes effect as soon as its answer fits: waiting gains nothing.
// - A write that nobody can have noticed, because the next one covers it, becomes optional: it is
//   allowed to take effect until it returns, and not obliged to.
// - What may as well take effect after the one that returns is left for later.
// - Operations of unknown outcome with equal commands are alike: only their number counts.
// - One of unknown outcome is tried only if someone under way can tell that it took effect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "key_group.h"
#include "key_model.h"

namespace seshat {

// One way in which things may have gone so far. An operation under way that is neither obliged nor
// optional has taken effect.
struct Possibility {
  KeyState state = {};
  std::uint64_t obliged = 0;   // slots of operations that have yet to take effect
  std::uint64_t optional = 0;  // slots of operations that may, but need not
  // Operations of unknown outcome that took effect, by sort; without those that did everywhere.
  std::map<std::size_t, std::size_t> used = {};
};

// Threads: owned by its user. Lifetime: operations must outlive it.
class LinearizationSearch {
 public:
  enum class Outcome { kPossible, kImpossible, kUndecided };

  // Pre: `initial` is not empty.
  LinearizationSearch(const std::set<KeyState>& initial, std::size_t possibilities_max);

  void Call(const GroupOperation& operation);
  // After kImpossible and kUndecided the search is over.
  // Pre: called, and its outcome is known.
  Outcome Return(const GroupOperation& operation);

  std::set<KeyState> States() const;

 private:
  // Possibilities none of which allows all that another does.
  class Frontier {
   public:
    // False: one that it has is as good.
    bool Add(const LinearizationSearch& search, Possibility possibility);
    std::map<KeyState, std::vector<Possibility>>& by_state() { return by_state_; }
    const std::map<KeyState, std::vector<Possibility>>& by_state() const { return by_state_; }
    std::size_t size() const { return size_; }

   private:
    std::map<KeyState, std::vector<Possibility>> by_state_;
    std::size_t size_ = 0;
  };

  struct Move {
    const GroupOperation* operation = nullptr;
    std::size_t slot = 0;  // of one whose outcome is known
  };
  // A possibility met on the way to the return of an operation, and the way.
  struct Visit {
    Possibility at;
    const Possibility* start = nullptr;
    std::vector<Move> moves;
  };
  struct Unknown {
    const GroupOperation* operation = nullptr;
    std::size_t count = 0;
  };
  // What operations under way can do to which keys.
  struct Reach {
    std::uint8_t connected = 0;  // keys that matter to the one that returns
    std::uint8_t appended = 0;
    std::uint8_t incremented = 0;
    std::uint8_t conditional = 0;  // set if present, or if absent, to what someone saw
    std::uint8_t covered = 0;      // written so that it is noticed
  };

  bool Dominates(const Possibility& a, const Possibility& b) const;
  void Notice(Possibility& possibility) const;
  std::optional<Possibility> Take(const Possibility& from, const Move& move) const;
  std::optional<Possibility> TakeAll(const Possibility& from, const std::vector<Move>& moves,
                                     std::size_t but) const;
  bool IsPending(const Possibility& possibility) const;
  bool CanWait(const Visit& visit) const;
  std::vector<Move> Moves(const Possibility& from) const;
  bool IsWorthwhile(const Possibility& from, const Possibility& to, const Move& move) const;
  bool IsNoticed(std::uint64_t obliged, std::uint8_t place, const KeyValue& before,
                 const KeyValue& after) const;
  bool CouldFit(const KeyValue& held, const KeyEvidence& evidence) const;
  void FindReach();
  template <typename Action>
  void ForEachUnderWay(Action action) const;
  bool Expand(const Visit& visit, Frontier& visited, std::vector<Visit>& work, Frontier& result);
  void Finish(Frontier result, std::size_t slot);
  void ForgetWhatAllUsed();

  const std::size_t possibilities_max_;
  std::vector<const GroupOperation*> slots_;  // known outcomes, under way; null: free
  std::uint64_t open_ = 0;                    // slots taken
  std::map<std::size_t, Unknown> unknowns_;   // by sort: those that some possibility can still use
  Frontier frontier_;
  Move returning_;
  Reach reach_;
};

}  // namespace seshat

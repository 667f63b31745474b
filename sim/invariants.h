// Invariants: what must hold in a group at every step, whatever happens to it.
//
//   - one leader a term, and each has everything in its log that was committed before;
//   - log matching: two logs that hold an entry of equal index and term agree on all before it;
//   - an entry is committed only once the disks of a quorum hold it durably, and with it or after
//     it one of the leader's own term; only one entry at an index is ever committed;
//   - a log that begins later says truly what it begins after, and who the members were;
//   - no node gives up a committed entry it holds;
//   - equal index, equal applied state.
// It sees the world from outside, through the disks, the state machines and the leadership
// listeners, and shares no code with what it checks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "disk.h"
#include "memberships.h"
#include "observed_machine.h"

namespace seshat {

// Threads: owned by the simulation's thread.
class Invariants {
 public:
  // `memberships` is told of what is written and committed, `fail` of each violation. Lifetime:
  // disks and memberships outlive it.
  Invariants(GroupId group, std::map<NodeId, const SimDisk*> disks, Memberships& memberships,
             std::function<void(std::string)> fail);

  // `commit`: the leader's commit index as its term begins.
  void OnLeader(NodeId node, Term term, LogIndex commit);
  // Before it takes effect on the node's disk.
  void OnLogWrite(NodeId node, const LogWrite& write);
  void OnApplied(NodeId node, const AppliedFact& fact);

  LogIndex highest_committed() const { return LogIndex(committed_.size()); }

 private:
  struct EntryId {
    std::uint64_t term = 0;
    std::uint64_t index = 0;
    auto operator<=>(const EntryId&) const = default;
  };
  struct EntryFact {
    std::size_t content_hash = 0;
    std::uint64_t previous_term = 0;
  };
  struct Committed {
    Term term;
    std::optional<std::uint64_t> state_digest;
  };
  std::uint64_t TermOnDisk(NodeId node, LogIndex index) const;
  Term CommittedTerm(LogIndex index) const;  // 0: nothing is known to be committed there
  void CheckStart(NodeId node, const LogWrite& write);
  void CheckTruncation(NodeId node, LogIndex from);
  bool IsDurableOn(NodeId node, LogIndex index, Term term) const;
  // Whether the nodes whose disks have the entry may be enough to commit it.
  bool IsHeldByQuorum(LogIndex index, Term term) const;
  void CheckQuorum(const AppliedFact& fact);
  void CheckOwnTerm(NodeId node, LogIndex index);

  const GroupId group_;
  const std::map<NodeId, const SimDisk*> disks_;
  Memberships& memberships_;
  const std::function<void(std::string)> fail_;
  struct Leadership {
    NodeId node;
    LogIndex commit;  // as it began
  };
  std::map<Term, Leadership> leaders_;
  std::map<EntryId, EntryFact> entries_;  // every entry ever written anywhere
  std::vector<Committed> committed_;      // index 1 first
};

}  // namespace seshat

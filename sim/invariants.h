// Invariants: what must hold in a group at every step, whatever happens to it.
//
//   - one leader a term;
//   - log matching: two logs that hold an entry of equal index and term agree on all before it;
//   - an entry is committed only once a majority of disks hold it durably, and only one entry at an
//     index is ever committed;
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
#include "observed_machine.h"

namespace seshat {

// Threads: owned by the simulation's thread.
class Invariants {
 public:
  // `fail` is told of each violation.
  Invariants(GroupId group, std::map<NodeId, const SimDisk*> disks,
             std::function<void(std::string)> fail);

  void OnLeader(NodeId node, Term term);
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
  void CheckTruncation(NodeId node, LogIndex from);
  void CheckMajority(const AppliedFact& fact);

  const GroupId group_;
  const std::map<NodeId, const SimDisk*> disks_;
  const std::function<void(std::string)> fail_;
  std::map<Term, NodeId> leaders_;
  std::map<EntryId, EntryFact> entries_;  // every entry ever written anywhere
  std::vector<Committed> committed_;      // index 1 first
};

}  // namespace seshat

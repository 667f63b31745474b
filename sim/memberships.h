// Memberships: which lists of members may be in force in a group, by what its nodes have written to
// their logs. For checks: it shares no code with what they check.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "seshat/base/ids.h"
#include "seshat/ports/log_store.h"
#include "seshat/v1/storage.pb.h"

namespace seshat {

struct MemberLists {
  std::set<NodeId> voters;
  std::set<NodeId> outgoing;  // not empty: a majority of these is needed too
  std::set<NodeId> learners;  // those included that still have a vote

  static MemberLists Of(const v1::GroupConfiguration& configuration);
  // All of them, each once.
  std::set<NodeId> Everyone() const;
  bool operator==(const MemberLists&) const = default;
};

// Threads: owned by the simulation's thread.
class Memberships {
 public:
  using Predicate = std::function<bool(NodeId)>;

  // `founders`: the voters before the first entry.
  explicit Memberships(const std::vector<NodeId>& founders);

  // A record that is on its way to some node's log.
  void OnWritten(const LogRecord& record);
  // In the order of the log, before anybody asks what was needed for that.
  void OnCommitted(LogIndex index, Term term);

  // Whether it takes no more than the nodes of which `has` holds, by what is committed or by what
  // may follow it in a log.
  bool MayBeQuorum(const Predicate& has) const;
  // The same for committing the entry at `index`, which is committed: a leader goes by a change of
  // members before any disk has it, and leaves a joint configuration once that is committed.
  bool MayCommit(LogIndex index, const Predicate& has) const;
  // As committed.
  const MemberLists& present() const { return committed_.rbegin()->second; }
  // What an entry at or before `index`, all of them committed, says.
  const MemberLists& At(LogIndex index) const;

 private:
  std::map<LogIndex, MemberLists> committed_;
  std::map<std::pair<LogIndex, Term>, MemberLists> written_;  // and not known to be committed
};

}  // namespace seshat

// SystemStateMachine: what the system group's committed entries are applied to: membership, shard
// map and replicated settings, in the rows of `system_data` (docs/formats.md).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/commands/applied_state.h"
#include "seshat/ports/state_store.h"
#include "seshat/raft/state_machine.h"
#include "seshat/resp/reply.h"
#include "seshat/service/cluster_state.h"
#include "seshat/service/state_reports.h"

namespace seshat {

// How an error reply begins that another time may not be given: nothing was done.
inline constexpr std::string_view kTryAgain = "TRYAGAIN ";

// What a refusal of this group says, without the word that it begins with. Pre: reply.IsError().
std::string RefusalText(const Reply& reply);

// Commands of the system group, as proposals carry them.
// The group's first: fixes cluster id, members, shards and settings. Later ones change nothing and
// answer an error reply.
std::string EncodeBootstrapCluster(const ClusterState& initial);
// A member reports its own addresses, store id and feature level. Refused, by an error reply, for a
// node that is no member, and for a member whose store id is known and differs: a wiped disk.
std::string EncodeRegisterNode(const ClusterMember& member);

// The cluster is to have this member, which gets a replica of every group: asked by the node
// itself, or by an operator who does not know its store id yet. Refused for an id that was removed
// or is another node's, for an address that is another member's, beyond kMembersMax, and, by a
// reply that begins with kTryAgain, while another change is under way or the cluster is not founded
// yet.
std::string EncodeAddNode(const ClusterMember& member);
// The cluster is to do without this member; one that is still joining is called back. Refused for
// one that is none, for the last one, and, as above, while another change is under way.
std::string EncodeRemoveNode(NodeId node);

// Older placements than the one known change nothing.
std::string EncodePlaceReplicas(const ReplicaPlacement& placement);
// A leaving member is in no group any more, and no member from now on; its id is never used again.
std::string EncodeForgetNode(NodeId node);

// A replica's digest of its state at a marked entry. Changes no row: see StateReports.
std::string EncodeReportState(const StateReport& report);

// Threads: as StateMachine.
class SystemStateMachine final : public StateMachine {
 public:
  // Loads the group's rows and publishes what they say; `on_odd` is told which replicas of data
  // groups differ from the others. May block.
  // Pre:      `store` has the system group.
  // Lifetime: store and source outlive the state machine.
  // Errors:   kCorruption; kFailedPrecondition when a newer version of Seshat wrote a row.
  static Result<std::unique_ptr<SystemStateMachine>> Open(StateStore& store,
                                                          ClusterStateSource& source,
                                                          StateReports::Listener on_odd);

  LogIndex AppliedIndex() const override { return applied_.index; }
  UnixMillis GroupClock() const override { return applied_.clock; }
  Status Apply(std::vector<CommittedEntry> entries) override;
  Status Reopen() override;
  Result<StateFacts> Describe(const StateView& view) const override;
  std::unique_ptr<StateAudit> NewAudit() const override;

 private:
  SystemStateMachine(StateStore& store, ClusterStateSource& source, StateReports::Listener on_odd);

  Result<Reply> ApplyCommand(std::string_view bytes);
  Reply TakeReport(const StateReport& report);
  void AppendChangedRows(const ClusterState& before, StateBatch& batch) const;

  StateStore& store_;
  ClusterStateSource& source_;
  AppliedState applied_;
  ClusterState state_;
  StateReports reports_;
};

}  // namespace seshat

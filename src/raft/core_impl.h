// Core::Impl: the state behind Core, one method group per file.
//
// Why it looks as it does. A replica is a function from events to effects, and everything that
// makes Raft hard sits in *when* an effect may leave. Three ideas keep that in one place each:
//
//   - Memory runs ahead of the disk. Every write gets the number of the Ready that carries it; what
//     is durable is known per number (RaftLog for entries, `hard_writes_` for term, vote and
//     promise). A node acts on its memory, but whatever another node may rely on after our crash
//     waits for the disk: votes and vote requests leave after the persist, a candidate counts its
//     own vote and a leader its own entries only when durable, an acknowledgement names the durable
//     part of the current log and is made when the disk reports, not when the append came in.
//   - Work is collected, not done at once. Propose and Step only note what is due; TakeReady turns
//     it into messages. So all proposals of a turn travel in one append, all reads in one round.
//   - One time bound covers stickiness, promises and restarts: before `sticky_until_` this node
//     votes for nobody. Every contact with a leader moves it on, and a promise given is never
//     longer than that; after a restart it starts where the predecessor's promise may end.
//
// Files: core.cc (facade, time, Ready), core_step.cc (messages in), election.cc, replication.cc
// (leader), follower.cc, membership.cc (configurations), snapshots.cc (compaction, installation),
// read_index.cc (rounds and leases), transfer.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "progress.h"
#include "raft_log.h"
#include "seshat/base/random.h"
#include "seshat/raft/core.h"

namespace seshat {

// Threads: owned by the group's executor.
class Core::Impl {
 public:
  Impl(const CoreOptions& options, RestoredState restored, MonotonicTime now);

  void Tick(MonotonicTime now);
  MonotonicTime NextDeadline() const;
  void Step(Message message, MonotonicTime now);
  Result<ProposalPosition> Propose(Payload data, MonotonicTime now);
  Result<ProposalPosition> ProposeConfiguration(Configuration next, Payload data,
                                                MonotonicTime now);
  bool MustLeaveJoint() const;
  Status RequestRead(std::uint64_t context, MonotonicTime now);
  void Campaign(MonotonicTime now);
  Status TransferLeadership(NodeId to, MonotonicTime now);
  bool HasReady() const;
  Ready TakeReady();
  void OnPersisted(std::uint64_t number, MonotonicTime now);
  void OnApplied(LogIndex index);
  void OnFetched(NodeId follower, std::vector<Entry> entries, MonotonicTime now);
  std::optional<SnapshotDescriptor> DescribeAt(LogIndex index) const;
  void OnSnapshotKept(SnapshotDescriptor snapshot);
  void Compact(LogIndex to, bool is_forced);
  bool InstallSnapshot(SnapshotDescriptor snapshot, MonotonicTime now);
  void RefuseSnapshot(const SnapshotOffer& offer);

  MonotonicTime LeaseUntil() const;
  bool LeadsWithCommit() const;
  CoreStatus GetStatus() const;
  const RaftLog& log() const { return log_; }
  Role role() const { return role_; }
  Term term() const { return term_; }
  NodeId leader() const { return leader_; }
  NodeId transferee() const { return transferee_; }

 private:
  struct HardWrite {
    std::uint64_t number = 0;
    HardState state;
  };
  struct PendingRead {
    std::uint64_t context = 0;
    NodeId from;
    LogIndex index;
    std::uint64_t round = 0;  // granted once a quorum has answered this round or a later one
  };

  // core.cc
  void AdvanceTime(MonotonicTime now);
  bool IsHardStateUnwritten() const;
  // Whether term and vote of this moment, and a promise of that length, would survive a crash.
  bool IsHardStateDurable(Duration promise) const;
  Message NewMessage(MessageType type, NodeId to) const;
  void SendNow(Message message) { messages_.push_back(std::move(message)); }
  // For messages that are only true once term, vote and promise are on the disk.
  void SendOnceDurable(Message message, Duration promise);
  void TakeWrite(Ready& ready);

  // core_step.cc
  bool IsPlausible(const Message& message) const;
  // False when the message must not be handled any further.
  bool AdoptTerm(const Message& message);
  void AnswerStale(const Message& message);
  void Dispatch(Message& message);

  // membership.cc
  const Configuration& configuration() const { return configurations_.back().second; }
  // Of those that may be in force once it is known what is committed: the last committed one and
  // every later one.
  std::span<const std::pair<LogIndex, Configuration>> LiveConfigurations() const;
  void OnConfigurationChanged();
  void TakeConfiguration(LogIndex index, const Configuration& configuration);
  void ForgetConfigurationsFrom(LogIndex index);

  // snapshots.cc
  // Whether a follower that has `snapshot` can go on with this log.
  bool ReachesLog(const std::optional<SnapshotDescriptor>& snapshot) const;
  void OfferSnapshot(Progress& follower);
  void OnSnapshotRequest(Message& message);
  void OnSnapshotResponse(const Message& message);

  // election.cc
  Role PassiveRole() const;
  bool MayCampaign() const;
  bool IsSticky() const;
  MonotonicTime QuorumContact() const;
  void SetTerm(Term term, NodeId vote);
  void ResetElectionTimer();
  void BecomeFollower(Term term, NodeId leader);
  void StartPreVote();
  // `is_transfer`: the leader has asked for it.
  void StartElection(bool is_transfer);
  void BecomeLeader();
  void AskForVotes(MessageType type, Term term, bool is_transfer);
  void RecordVote(NodeId from, bool granted);
  void OnPreVoteRequest(const Message& message);
  void OnPreVoteResponse(const Message& message);
  void OnVoteRequest(const Message& message);
  void OnVoteResponse(const Message& message);
  void CountOwnVoteIfDurable();

  // replication.cc
  Progress* FindProgress(NodeId node);
  const Progress* FindProgress(NodeId node) const;
  void RebuildProgress();
  Status CheckMayPropose(std::size_t bytes) const;
  void AppendAsLeader(EntryType type, Payload data,
                      std::shared_ptr<const Configuration> configuration = nullptr);
  void AppendToLog(Entry entry);
  void TruncateLog(LogIndex from);
  void CommitTo(LogIndex index);
  void CommitByCounting();
  void OnAppendResponse(const Message& message);
  void SendAppends();
  void SendEntries(Progress& follower);
  void SendAppend(Progress& follower, std::vector<Entry> entries);
  void NoteIfSendable(const Progress& follower);

  // follower.cc
  bool FollowLeader(NodeId leader);
  void OnAppendRequest(Message& message);
  // False when the entries contradict what is settled; nothing was done then.
  bool AppendFromLeader(std::vector<Entry>& entries, std::size_t skip, bool& appended);
  void Refuse(const Message& message);
  void Acknowledge();
  void OnHeartbeatRequest(const Message& message);

  // read_index.cc
  void OnHeartbeatResponse(const Message& message);
  void BroadcastHeartbeats();
  bool IsReadRoundDue() const;
  void StartReadRound();
  void ConfirmReads();
  void Grant(const PendingRead& read);
  void FailPendingReads();
  void FailForwardedReads();
  void OnReadIndexRequest(const Message& message);
  void OnReadIndexResponse(const Message& message);

  // transfer.cc
  NodeId ChooseTransferee() const;  // kNoNode: no voter answers
  void TellTransfereeIfLevel();
  void ForgetTransfer();
  void OnTimeoutNow(const Message& message);

  const CoreOptions options_;
  Random random_;
  MonotonicTime now_;

  // What must survive a crash, as of memory, as last handed out, and as known to be on the disk.
  Term term_;
  NodeId vote_;
  Duration promise_;
  HardState written_;
  HardState durable_;
  std::deque<HardWrite> hard_writes_;
  RaftLog log_;
  // The one at the log's beginning and every later one: each takes effect at its own index.
  std::vector<std::pair<LogIndex, Configuration>> configurations_;
  std::optional<SnapshotDescriptor> kept_snapshot_;  // the newest on this node's disk
  MonotonicTime restored_promise_until_;

  Role role_ = Role::kFollower;
  NodeId leader_;
  MonotonicTime election_deadline_;
  MonotonicTime sticky_until_;

  // (Pre-)candidate.
  std::vector<std::pair<NodeId, bool>> votes_;

  // Follower, all of this term: how far the log is known to agree with the leader's, what the
  // leader has committed, and the acknowledgement it still waits for.
  LogIndex matched_;
  LogIndex leader_commit_;
  bool ack_due_ = false;
  std::optional<LogIndex> last_acked_;
  std::deque<std::uint64_t> forwarded_reads_;

  // Leader.
  std::vector<Progress> followers_;  // ascending; every member but this node
  MonotonicTime heartbeat_due_;
  std::size_t uncommitted_bytes_ = 0;
  bool appends_due_ = false;
  bool heartbeats_due_ = false;
  std::deque<PendingRead> pending_reads_;  // ascending by round
  std::uint64_t read_round_ = 0;           // the last one started
  std::uint64_t confirmed_round_ = 0;
  NodeId transferee_;  // leadership is being handed to it; kNoNode: to nobody
  bool has_told_transferee_ = false;
  MonotonicTime transfer_deadline_;
  bool gave_up_leases_ = false;  // for the rest of this term

  // The next Ready.
  std::uint64_t last_ready_ = 0;
  std::uint64_t last_persisted_ = 0;
  std::vector<Message> messages_;
  std::vector<Message> messages_after_persist_;
  std::vector<ReadGrant> reads_;
  std::vector<std::uint64_t> failed_reads_;
  std::vector<FetchRequest> fetches_;
  std::optional<SnapshotOffer> offer_;
  std::optional<SnapshotDescriptor> install_;
  std::optional<SnapshotDescriptor> compact_;
};

}  // namespace seshat

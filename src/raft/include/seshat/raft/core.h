// Core: Raft for one group as a pure state machine.
//
// Time, messages, proposals and finished I/O go in; a Ready comes out that says what to write, what
// to send and what has committed. It reads no clock, draws randomness only from its seed, does no
// I/O and starts no thread, so a simulator can drive it through every order of events. The group
// driver (group_driver.h) is the I/O around it.
//
// The contract, in one place:
//   1. Take Readys in order; write each one's truncation, entries and hard state atomically.
//   2. `messages` may leave at once, even before the write: the leader's own disk works in parallel
//      with the followers'. `messages_after_persist` leave only when this Ready and all before it
//      are durable: they are promises about the disk (votes, acknowledgements).
//   3. Report durability with OnPersisted, in order.
//   4. Apply entries up to ApplicableIndex() only: committed, and durable here (trap 14).
//   5. A disk that fails stops the node. There is no way to report a failed write.
//
// Source: Ongaro, "Consensus: Bridging Theory and Practice" (2014); the shape of etcd-io/raft and
// raft-rs. ADR 0002 says why this core is our own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/raft/configuration.h"
#include "seshat/raft/entry.h"
#include "seshat/raft/message.h"

namespace seshat {

enum class Role : std::uint8_t { kFollower, kPreCandidate, kCandidate, kLeader, kLearner };
std::string_view ToString(Role role);

struct CoreOptions {
  NodeId id;
  std::uint64_t seed = 0;  // of the election timeouts
  Duration heartbeat_interval = std::chrono::milliseconds(100);
  Duration election_timeout_min = std::chrono::milliseconds(500);
  Duration election_timeout_max = std::chrono::milliseconds(1000);  // exclusive
  // How long this node, after hearing from a leader, promises to vote for nobody else.
  // At most election_timeout_min, so that an honest election is never refused for ever.
  Duration stickiness = std::chrono::milliseconds(500);
  bool leases = true;
  std::size_t append_bytes_max = 512 * 1024;     // of one message; a larger entry goes alone
  std::size_t inflight_messages_max = 64;        // unacknowledged, per follower
  std::size_t inflight_bytes_max = 8 << 20;      // likewise
  std::size_t uncommitted_bytes_max = 64 << 20;  // proposals beyond it are refused
  std::size_t cached_bytes_max = 64 << 20;       // applied entries kept for followers
  std::size_t pending_reads_max = 1024;          // read contexts waiting for a round
};

// What a restarted node found on its disk. A new one has only `snapshot.configuration`.
struct RestoredState {
  HardState hard_state;
  SnapshotDescriptor snapshot;
  std::vector<TermRun> terms;  // of every entry on disk, ascending
  LogIndex last_index;         // snapshot.index when the log is empty
  LogIndex applied;            // what the state machine holds
  // Configuration entries on disk, ascending.
  std::vector<std::pair<LogIndex, Configuration>> configurations;
  bool is_restart = false;  // it may have voted before: read rule 7 applies
};

// Bodies of entries that are no longer in memory: read [first, end) from the log, up to
// `bytes_max`, and pass them to OnFetched.
struct FetchRequest {
  NodeId follower;
  LogIndex first;
  LogIndex end;
  std::size_t bytes_max = 0;
};

// A leader has a snapshot for this node, which lacks entries that the leader's log does not hold
// any more. Get it from there, then call InstallSnapshot.
struct SnapshotOffer {
  NodeId from;
  SnapshotDescriptor snapshot;
};

// A linearizable read may be served once `index` is applied here.
struct ReadGrant {
  std::uint64_t context = 0;
  LogIndex index;
  UnixMillis leader_time;  // set by the leader's driver; 0 for a grant of this node itself
};

struct Ready {
  std::uint64_t number = 0;  // ascending by one
  // To be written atomically, in this order. Durable before `messages_after_persist` leave.
  // The whole log is replaced by an empty one after this snapshot, and the applied state by its.
  std::optional<SnapshotDescriptor> install;
  // The log begins after this from now on.
  std::optional<SnapshotDescriptor> compact;
  std::optional<LogIndex> truncate_from;
  std::vector<Entry> entries;
  std::optional<HardState> hard_state;

  std::vector<Message> messages;
  std::vector<Message> messages_after_persist;

  std::vector<ReadGrant> reads;             // granted
  std::vector<std::uint64_t> failed_reads;  // leadership changed or was lost: ask again
  std::vector<FetchRequest> fetches;
  std::optional<SnapshotOffer> offer;  // repeated until it is installed or needless

  // False when nothing has to reach the disk and OnPersisted may be called at once.
  bool NeedsWrite() const {
    return install.has_value() || compact.has_value() || truncate_from.has_value() ||
           !entries.empty() || hard_state.has_value();
  }
};

struct FollowerStatus {
  enum class State : std::uint8_t { kProbe, kReplicate, kSnapshot };
  NodeId id;
  State state = State::kProbe;
  LogIndex match;
  LogIndex next;
  std::size_t inflight_messages = 0;
  MonotonicTime last_contact;  // when it was heard of last
  bool recently_active = false;
  bool is_learner = false;
};

struct CoreStatus {
  NodeId id;
  Role role = Role::kFollower;
  Term term;
  NodeId vote;
  NodeId leader;  // kNoNode: unknown
  LogIndex first_index;
  LogIndex last_index;
  LogIndex durable_index;
  LogIndex commit_index;
  LogIndex applied_index;
  MonotonicTime lease_until;
  Configuration configuration;
  LogIndex configuration_index;           // of the entry that it comes from; 0: the founding one
  std::vector<FollowerStatus> followers;  // leader only, ascending
  bool needs_snapshot = false;  // a follower waits for one, and none is kept that would serve it
};

struct ProposalPosition {
  Term term;
  LogIndex index;
};

// Threads: owned by the group's executor.
class Core {
 public:
  // Pre: `restored` is what the disk holds, options are consistent (see ValidateCoreOptions).
  Core(const CoreOptions& options, RestoredState restored, MonotonicTime now);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Acts on whatever is due at `now`: elections, heartbeats, check-quorum. `now` never goes back
  // between calls of any method; if it does, the earlier value counts.
  void Tick(MonotonicTime now);
  // When Tick has something to do next; kNever for a learner without a leader's deadline.
  MonotonicTime NextDeadline() const;

  // Handles a peer's message. Messages that make no sense (wrong group member, stale, malformed
  // ranges) are dropped, never fatal: a peer's bytes are not our bugs.
  void Step(Message message, MonotonicTime now);

  // Appends an entry if this node leads.
  // Errors: kUnavailable: not the leader (see Status().leader); kResourceExhausted: more than
  //         uncommitted_bytes_max is uncommitted. In both cases nothing was done.
  Result<ProposalPosition> Propose(Payload data, MonotonicTime now);

  // Appends the entry that makes `next` the group's configuration; `data` is its encoding. It takes
  // effect at once, as Raft's configurations do. From a joint one only LeaveJoint's leads on; to
  // another list of voters only EnterJoint's. One that is committed with auto_leave is left by the
  // driver.
  // Errors: as Propose; kFailedPrecondition: the last change is not committed yet, or nothing of
  //         this term is (trap 7); kInvalidArgument: no such step leads from the present one.
  Result<ProposalPosition> ProposeConfiguration(Configuration next, Payload data,
                                                MonotonicTime now);

  // True when this leader's configuration is a committed joint one that is to be left by itself:
  // propose LeaveJoint's.
  bool MustLeaveJoint() const;

  // Asks for a linearizable read; the answer comes in a Ready under `context` (not 0, not reused):
  // on the leader by lease or by a round of heartbeats, on a follower by asking the leader.
  // A request or answer lost on the way is not repeated: the caller has a deadline and asks anew.
  // Errors: kUnavailable: no leader known, or the leader has not committed in its own term yet;
  //         kResourceExhausted.
  Status RequestRead(std::uint64_t context, MonotonicTime now);

  // Starts an election, as if the timeout had passed: now, or once this node's own vote promise has
  // run out (read rule 6), never sooner. For tests and scripts.
  void Campaign(MonotonicTime now);

  // Begins to hand leadership over to `to`; kNoNode: to the voter furthest along of those that
  // answer. From now on proposals are refused and no lease holds. `to` campaigns once it has
  // everything. It ends when this node leads no more, or after election_timeout_max: then this node
  // goes on leading, without leases in this term if `to` has been told to campaign.
  // Errors: kUnavailable: not the leader, or no voter answers; kInvalidArgument: `to` leads already
  //         or is no voter; kFailedPrecondition: another transfer is under way.
  Status TransferLeadership(NodeId to, MonotonicTime now);
  // To whom leadership is being handed over; kNoNode: to nobody.
  NodeId transferee() const;

  // What there is to do since the last Ready. Call while HasReady().
  bool HasReady() const;
  Ready TakeReady();

  // Ready `number` and all before it are durable. Pre: in order, each once.
  void OnPersisted(std::uint64_t number, MonotonicTime now);
  // The state machine holds everything up to `index`.
  void OnApplied(LogIndex index);
  // The answer to a FetchRequest. Empty when they could not be read (the follower is probed again).
  void OnFetched(NodeId follower, std::vector<Entry> entries, MonotonicTime now);

  // What a snapshot at `index` says of the log; empty when the log does not reach from before it to
  // there.
  std::optional<SnapshotDescriptor> DescribeAt(LogIndex index) const;
  // `snapshot` is on this node's disk for followers that need it. Replaces the one before.
  void OnSnapshotKept(SnapshotDescriptor snapshot);
  // Forgets the log up to `to`, or less: what a follower still needs that is being sent a snapshot
  // is kept, unless `is_forced`. Ignored when that is before the log's beginning.
  // Pre: to <= what the state machine has applied *durably*.
  void Compact(LogIndex to, bool is_forced);
  // The state of `snapshot` is on this node's disk, complete and compared with what was promised.
  // True: it takes the place of log and state, which the next Ready says; once that is durable,
  // call OnApplied with its index. False: this node has everything in it meanwhile.
  // Pre: nothing is being applied, nor will be before the next Ready is taken.
  bool InstallSnapshot(SnapshotDescriptor snapshot, MonotonicTime now);

  // What was offered cannot be had, or is not what it should be: asks for another.
  void RefuseSnapshot(const SnapshotOffer& offer);

  // The last index that may be applied: committed, and durable here.
  LogIndex ApplicableIndex() const;
  // Entries [first, end) that are in memory, from `first` on, up to `bytes_max` but at least one;
  // empty when `first` is not in memory any more and has to be read from the log.
  std::vector<Entry> CachedEntries(LogIndex first, LogIndex end, std::size_t bytes_max) const;
  // The term of an entry; 0 when it is not in the log.
  Term TermAt(LogIndex index) const;

  // The lease holds strictly before this time; kZero when there is none. Meaningful only together
  // with the commit index of the same moment (read rules 1 to 4).
  MonotonicTime LeaseUntil() const;
  Role role() const;
  Term term() const;
  NodeId leader() const;
  LogIndex commit_index() const;
  // True once an entry of this leader's own term is committed (read rule 3).
  bool LeadsWithCommit() const;
  CoreStatus GetStatus() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Errors: kInvalidArgument naming the field, its value and what is allowed.
Status ValidateCoreOptions(const CoreOptions& options);

// What a disk holds is not our bug: check it before it is given to a Core.
// Errors: kCorruption: term runs, bounds, applied index or configurations contradict each other.
Status ValidateRestoredState(const RestoredState& restored);

}  // namespace seshat

// GroupDriver: the I/O around one group's Core.
//
// It drains the proposal queue into one stamped entry, writes what the core asks for, sends what
// may be sent, applies what has committed, and answers reads. Everything runs on ports, so the same
// driver runs on threads in a node and on one simulated thread in sim/.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/executor.h"
#include "seshat/ports/fatal.h"
#include "seshat/ports/log_store.h"
#include "seshat/ports/metrics.h"
#include "seshat/ports/snapshot_store.h"
#include "seshat/ports/transport.h"
#include "seshat/raft/core.h"
#include "seshat/raft/state_machine.h"

namespace seshat {

struct SnapshotFetchOptions {
  Duration call_timeout = std::chrono::seconds(10);  // of one chunk
  Duration retry_delay = std::chrono::milliseconds(200);
  Duration give_up_after = std::chrono::seconds(30);  // without a chunk
  // Until the next is begun after one that failed, as for a full disk: it would fail again at once.
  Duration pause_after_failure = std::chrono::seconds(5);
};

// When a leader hands over because its own disk is slow (docs/adr/0018-slow-disks.md).
struct SlowDiskOptions {
  bool hands_over = true;
  // What is measured: the slowest log write in each fifth of `sustained`, from queued to durable.
  Duration sync_min = std::chrono::milliseconds(50);  // quicker is never slow
  std::uint64_t factor = 5;                           // times slower than the successor's; 1 and up
  // At least ten heartbeats: what peers say of their disks must not lag behind.
  Duration sustained = std::chrono::seconds(5);
  // How long a node leads before it hands over because of its disk, and between two attempts.
  Duration pause = std::chrono::seconds(30);
};

// Why a leader hands over.
enum class TransferReason { kRequest, kStopping, kLeaving, kSlowDisk };

struct Proposal {
  std::string command;
  std::unique_ptr<ProposalWaiter> waiter;
};

struct GroupDriverOptions {
  CoreOptions core;
  std::size_t proposals_max = 10'000;         // queued, in the log or being applied
  std::size_t proposal_bytes_max = 64 << 20;  // likewise
  std::size_t messages_max = 10'000;          // of peers, waiting to be handled; more are dropped
  std::size_t message_bytes_max = 64 << 20;   // likewise
  // An entry cannot be split when it is applied, so this bounds what one batch of it touches.
  std::size_t entry_commands_max = 1024;
  std::size_t entry_bytes_max = 1 << 20;  // a batch is closed beyond it; one command may exceed it
  std::size_t apply_bytes_max = 4 << 20;  // handed to the state machine at once
  std::size_t reads_max = 100'000;        // waiting for a read index
  Duration read_timeout = std::chrono::seconds(5);
  Duration read_retry = std::chrono::milliseconds(250);  // a lost read index request is asked again
  // Of the log, kept behind a snapshot for followers that are slow; and what no follower that is
  // being sent a snapshot may make it exceed.
  std::uint64_t log_tail_bytes = std::uint64_t{256} << 20;
  std::uint64_t log_bytes_max = std::uint64_t{1} << 30;
  SnapshotFetchOptions snapshot_fetch;
  SlowDiskOptions slow_disk;
  // How long a leader that was deposed waits to learn what became of its proposals before it calls
  // their outcome unknown.
  Duration outcome_wait = std::chrono::seconds(1);
};

// What the read fast path and the router need, readable from any thread without a lock.
// Writers publish in this order: commit, then lease; so a reader that sees a lease sees at least
// the commit index it was granted with.
// Threads: thread-safe.
struct GroupView {
  std::atomic<std::uint64_t> leader{0};  // NodeId; 0: unknown
  std::atomic<std::uint64_t> term{0};
  std::atomic<std::uint64_t> commit{0};
  std::atomic<std::uint64_t> applied{0};
  std::atomic<std::int64_t> lease_until_ns{0};  // MonotonicTime; 0: none
  std::atomic<bool> is_leader{false};
};

// A snapshot that is being fetched from a leader.
struct FetchStatus {
  LogIndex index;
  std::uint64_t keys = 0;           // of the whole
  std::uint64_t rows_received = 0;  // one more than keys at the end: the group's own row
  std::uint64_t bytes_received = 0;

  bool operator==(const FetchStatus&) const = default;
};

struct GroupStatus {
  GroupId group;
  CoreStatus core;
  LogIndex applied_index;
  std::size_t proposals_in_flight = 0;
  std::size_t reads_waiting = 0;
  std::uint64_t log_size_bytes = 0;
  LogIndex snapshot_index;  // of the newest snapshot here, own or installed
  std::uint64_t entries_since_snapshot = 0;
  std::uint64_t log_bytes_since_snapshot = 0;
  std::optional<FetchStatus> fetching;
  std::uint64_t snapshots_installed = 0;  // since start
  // How long log writes take to reach this node's disk (SlowDiskOptions); 0: not known yet.
  Duration log_sync{0};
  bool has_quorum = false;     // leader: a quorum answers; others: a leader is known
  MonotonicTime leader_since;  // when the present leader became known here; kNever: none is
  LogIndex known_commit;  // the highest commit index heard of from the leader: lag = this - applied
};

// What happens to a snapshot that a leader has offered, for the log.
struct SnapshotEvent {
  enum class Kind { kFetching, kInstalled, kFailed };
  Kind kind = Kind::kFetching;
  GroupId group;
  NodeId from;
  LogIndex index;
  std::string why;  // kFailed
};

// A leader whose disk is slow, for the log.
struct SlowDiskEvent {
  enum class Kind { kHandingOver, kHandedOver, kFailed };
  Kind kind = Kind::kHandingOver;
  GroupId group;
  NodeId to;
  Duration own{0};     // this node's GroupStatus::log_sync
  Duration theirs{0};  // what `to` says of its own
  std::string why;     // kFailed
};

struct GroupPorts {
  Executor* raft = nullptr;   // runs the core
  Executor* apply = nullptr;  // runs the state machine; may block on the disk
  // Reads old log records for slow followers; may block; many groups may share one. Null: `apply`
  // does it.
  Executor* log_reader = nullptr;
  Clock* clock = nullptr;
  LogStore* log = nullptr;
  // Snapshots, and where what is slow is done for them. Null: the log is never cut, and a snapshot
  // that a leader offers is not taken.
  SnapshotStore* snapshots = nullptr;
  Executor* snapshot_worker = nullptr;
  // Called on the raft executor; must not block. May be empty.
  std::function<void(const SnapshotEvent&)> on_snapshot = {};
  std::function<void(const SlowDiskEvent&)> on_slow_disk = {};  // likewise
  Transport* transport = nullptr;
  FatalHandler* fatal = nullptr;
  Metrics* metrics = nullptr;  // null: none are kept
};

// A grant to read: everything acknowledged before the request is applied here.
struct ReadPermit {
  UnixMillis leader_time;  // the leader's stamp: what TTL and expiry are judged by
  LogIndex applied;        // at least the read index
};

// Threads: thread-safe, except Start, Stop and BeginStop. Callbacks run on the raft or apply
// executor, refusals also inside the call itself. The raft executor may run on the thread that
// brings it work: call Propose, RequestRead and OnMessages without a lock that a callback may want.
class GroupDriver {
 public:
  // Loads the group from `ports.log`. Pre: the group exists there.
  // Errors: kCorruption when its rows or entries do not decode or do not fit together,
  //         kFailedPrecondition when a newer release wrote them (both name the record).
  // Lifetime: ports and state machine outlive the driver.
  static Result<std::unique_ptr<GroupDriver>> Open(GroupId group, const GroupDriverOptions& options,
                                                   const GroupPorts& ports,
                                                   std::unique_ptr<StateMachine> state_machine);
  // Without Stop it drops what waits, uncalled: only a simulated crash may do that.
  ~GroupDriver();

  // Before Start every request is refused and every message dropped.
  void Start();
  // Fails what is waiting (queued: not applied; in the log: outcome unknown), then waits for the
  // executors to have let go. Entries already on their way into the state machine are applied and
  // answered. No callback runs afterwards. Pre: called from none of the executors.
  void Stop();
  // The same without waiting: `done` runs on the last executor to let go.
  void BeginStop(UniqueFunction<void()> done);

  // Queues commands; those that wait when the executor comes round share one entry, in order.
  // Refusals reach the waiters, at once or later; never both a refusal and a result. When the
  // bound is reached in the middle, all that follow are refused too: order is kept.
  void Propose(std::vector<Proposal> proposals);

  // Calls back when a linearizable read may be served here, or with an error: kUnavailable (no
  // leader, or no answer within read_timeout), kResourceExhausted, kCancelled. Requests that wait
  // share one round.
  void RequestRead(UniqueFunction<void(Result<ReadPermit>)> done);

  // The fast path: a permit if, at a clock reading taken now, the lease holds and everything
  // committed is applied (read rules 1 and 2). Any thread.
  bool TryLeaseRead(ReadPermit& permit) const;

  // Runs `done` on the apply executor once something past `index` is applied (at once if so), when
  // the driver stops, or early when reads_max wait already: look again before relying on it. Inside
  // the call when it does not run.
  void WhenAppliedPast(LogIndex index, UniqueFunction<void()> done);

  // Calls back once `wanted` voters other than this node are known to hold the log up to `index` on
  // disk, at `until`, or on the first look after it; with how many do. For an index below a
  // permit's `applied`, so that a majority holds it already.
  // Errors: kUnavailable: this node does not lead, or not any more; kResourceExhausted: reads_max
  //         wait already; kCancelled.
  void WhenReplicated(LogIndex index, std::size_t wanted, MonotonicTime until,
                      UniqueFunction<void(Result<std::size_t>)> done);

  // Hands leadership over to `to`; kNoNode: to whom it suits best. `done` is told when this node
  // leads no more, or why it still does: errors of Core::TransferLeadership; kUnavailable also when
  // the other did not take over in time. Meanwhile writes are refused, untouched.
  void TransferLeadership(NodeId to, UniqueFunction<void(Status)> done,
                          TransferReason reason = TransferReason::kRequest);

  // Makes these the group's members (ascending, no node in both lists), through a joint
  // configuration when voters change. `done` is told when that is committed, or why it is not:
  // kUnavailable: this node does not lead, or leads no more: the change may yet happen;
  // kFailedPrecondition: another change is under way, or the leader is too new;
  // kInvalidArgument: no voters. Learners that are to become voters should have caught up.
  void ChangeMembers(std::vector<NodeId> voters, std::vector<NodeId> learners,
                     UniqueFunction<void(Status)> done);

  // What `view`, of this group's state, amounts to. May block. Errors: see StateMachine.
  Result<StateFacts> Describe(const StateView& view) const;
  // What a snapshot at `index` says of the log. `done` runs on the raft executor; not at all when
  // the driver is stopping.
  void DescribeAt(LogIndex index, UniqueFunction<void(std::optional<SnapshotDescriptor>)> done);
  // `snapshot` is on this node's disk, for good: it is offered to followers that need it, and the
  // log is cut up to it but for a tail.
  void OnSnapshotKept(SnapshotDescriptor snapshot);

  // Peers' messages for this group, in the order they came.
  void OnMessages(std::vector<Message> messages);

  // The leader's current stamp, by this node's reckoning; never goes back.
  UnixMillis CurrentStamp() const;

  const GroupView& view() const;
  // A recent, consistent picture for operators and CLUSTER commands; at most ~100 ms old.
  GroupStatus GetStatus() const;
  // Calls `listener` on the raft executor when leadership or term changes. Set before Start.
  void OnLeadershipChange(UniqueFunction<void(bool is_leader, Term term)> listener);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
  explicit GroupDriver(std::shared_ptr<Impl> impl);
};

}  // namespace seshat

// ClusterSteward: brings this node into its cluster and keeps what it says of itself current.
//
// Founding (docs/adr/0008-feature-levels-and-bootstrap.md), each step idempotent, so that a crash
// anywhere is followed by the same steps again:
//   1. A node without groups waits until every other founding member has admitted it. From then on
//      all of them know its store id, and it knows theirs.
//   2. The system group starts with the founding members as voters.
//   3. Its leader proposes the cluster: id, members, one shard with every slot, limits.
//   4. Once that is applied here: cluster id into IDENTITY and the handshakes, data groups opened.
//   5. The node registers its addresses and store id, and again whenever they change.
// A node that joins asks a member to be let in instead of 1 to 3 (docs/adr/0016-membership.md),
// takes the cluster's id from the answer, and opens its groups without voters: the leaders feed it.
// From then on it does its part when members join and leave (MemberSteward), until it is removed
// itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "disk_guard.h"
#include "group_host.h"
#include "join_attempts.h"
#include "member_dialer.h"
#include "member_steward.h"
#include "peer_admission.h"
#include "seshat/base/mutex.h"
#include "seshat/node/node_config.h"
#include "seshat/node/thread_executor.h"
#include "seshat/ports/fatal.h"
#include "seshat/ports/metrics.h"
#include "seshat/service/service.h"
#include "seshat/service/state_reports.h"
#include "seshat/storage/identity_file.h"
#include "seshat/storage/storage_engine.h"
#include "seshat/transport/tcp_transport.h"

namespace seshat {

// Lifetime: all of it outlives the steward.
struct StewardPorts {
  Clock* clock = nullptr;
  Rng* rng = nullptr;
  StorageEngine* engine = nullptr;
  TcpTransport* transport = nullptr;
  PeerAdmission* admission = nullptr;
  GroupHost* groups = nullptr;
  ClusterStateSource* cluster = nullptr;
  Service* service = nullptr;
  DiskGuard* disk = nullptr;
  FatalHandler* fatal = nullptr;
  Metrics* metrics = nullptr;
};

// Threads: it works on a thread of its own, which may block on the disk; the methods that say so
// are thread-safe.
class ClusterSteward {
 public:
  // `on_failure` is called once, on the steward's thread, when the node cannot go on; the steward
  // does nothing more then.
  ClusterSteward(const NodeConfig& config, NodeIdentity identity, const StewardPorts& ports,
                 std::function<void(const Error&)> on_failure);
  // Stops.
  ~ClusterSteward();

  // The admin port really bound, for the node's own entry. Before Start.
  void SetAdminPort(std::uint16_t port) { config_.admin_addr.port = port; }
  // Begins. Once.
  void Start();
  // Finishes the step at hand, then does nothing more. May be called twice.
  void Stop();

  // Why the node has no part in its cluster yet; empty once it has. Thread-safe.
  std::vector<std::string> Obstacles() const SESHAT_EXCLUDES(mutex_);
  // When it last got round: a measure of whether the node lives. Thread-safe.
  MonotonicTime LastRound() const;

 private:
  void Round();
  Status Advance();
  // Whether the system group may begin here. Errors: this node is refused for good.
  Result<bool> MayOpenSystemGroup();
  // Whether every other founding member has admitted this node. Errors: as above.
  Result<bool> HasMetFounders();
  // Whether a member has let this node in. Errors: as above.
  Result<bool> HasJoined();
  Status OpenSystemGroup();
  // Until the system group's first entry is applied here.
  Status AwaitState();
  Status OpenGroups(const ClusterState& state);
  Status AdoptClusterId(const std::string& cluster_id);
  void ProposeCluster();
  void RegisterIfNeeded(const ClusterState& state);
  // Errors: the cluster has removed this node.
  Status CheckNotRemoved(const ClusterState& state) const;
  void Propose(std::string what, std::string command);
  void MeasureDisk();
  // For operators to see; if this node's replica is the odd one, its end.
  void OnStateVerdict(const StateVerdict& verdict);
  void Quarantine(const StateVerdict& verdict);
  ClusterMember OwnEntry() const;
  // What keeps this node from its part, for those who ask and, now and then, in the log.
  void Report(std::vector<std::string> obstacles);
  void SetObstacles(std::vector<std::string> obstacles) SESHAT_EXCLUDES(mutex_);

  NodeConfig config_;  // immutable from Start on
  const StewardPorts ports_;
  const std::function<void(const Error&)> on_failure_;

  // Owned by `executor_`.
  NodeIdentity identity_;
  MemberDialer dialer_;
  bool has_system_group_ = false;
  bool has_failed_ = false;
  std::set<NodeId> founders_met_;
  bool has_joined_ = false;
  std::set<GroupId> open_data_groups_;
  MemberSteward members_;
  bool is_proposing_ = false;
  MonotonicTime propose_not_before_;
  MonotonicTime progress_logged_at_;
  MonotonicTime measured_at_;
  std::string last_refusal_;

  std::atomic<std::int64_t> last_round_ns_;
  std::atomic<bool> is_stopping_{false};

  mutable Mutex mutex_;
  std::vector<std::string> obstacles_ SESHAT_GUARDED_BY(mutex_){"starting"};

  std::optional<JoinAttempts> joining_;  // owned by `executor_`; of a node that is to join

  ThreadExecutor executor_;  // last: its thread uses everything above
};

}  // namespace seshat

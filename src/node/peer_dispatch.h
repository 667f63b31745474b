// What arrives from peers, to whom it belongs: Raft messages to the groups, commands to the
// service, requests for snapshots and to join to whoever serves them.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <utility>

#include "join_requests.h"
#include "seshat/base/mutex.h"
#include "seshat/base/unique_function.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/transport.h"
#include "seshat/raft/group_registry.h"
#include "seshat/service/service.h"
#include "seshat/transport/transport_options.h"

namespace seshat {

// The transport starts before what stands on it: until the Connects, messages are dropped and calls
// broken, as a network may do with them.
// Threads: thread-safe.
class PeerDispatch final : public PeerHandler {
 public:
  using Reply = UniqueFunction<void(std::string)>;
  // As PeerHandler::OnCall. Threads: called on transport threads; must not block.
  using SnapshotHandler = UniqueFunction<void(NodeId from, std::string request, Reply reply)>;

  // Lifetime: both outlive the transport.
  void Connect(GroupRegistry& groups, Service& service);
  // Called once at most. Lifetime: what `handler` refers to outlives the transport.
  void ConnectSnapshots(SnapshotHandler handler);
  // Lifetime: they outlive the transport.
  void ConnectJoins(const JoinRequests& joins) { joins_ = &joins; }

  void OnMessage(NodeId from, Channel channel, std::string payload) override;
  void OnCall(NodeId from, CallKind kind, std::string request, Reply reply) override;
  // As TransportOptions::on_join.
  void OnJoin(const PeerHello& from, const std::string& request, Reply reply) const;

 private:
  std::atomic<GroupRegistry*> groups_{nullptr};
  std::atomic<Service*> service_{nullptr};
  SnapshotHandler snapshot_handler_;  // immutable once snapshots_ points to it
  std::atomic<SnapshotHandler*> snapshots_{nullptr};
  std::atomic<const JoinRequests*> joins_{nullptr};
};

// Logs what happens on the links between nodes; a link that fails over and over the same way is
// mentioned once a minute.
// Threads: thread-safe.
class LinkLog {
 public:
  explicit LinkLog(const Clock& clock) : clock_(clock) {}

  void OnEvent(const LinkEvent& event) SESHAT_EXCLUDES(mutex_);

 private:
  struct Last {
    std::string detail;
    MonotonicTime logged_at;
  };

  const Clock& clock_;

  Mutex mutex_;
  std::map<std::pair<NodeId, LinkEvent::Kind>, Last> last_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat

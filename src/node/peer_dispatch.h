// What arrives from peers, to whom it belongs: Raft messages to the groups, calls to the service.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <utility>

#include "seshat/base/mutex.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/transport.h"
#include "seshat/raft/group_registry.h"
#include "seshat/service/service.h"
#include "seshat/transport/transport_options.h"

namespace seshat {

// The transport starts before what stands on it: until Connect, messages are dropped and calls
// broken, as a network may do with them.
// Threads: thread-safe.
class PeerDispatch final : public PeerHandler {
 public:
  // Lifetime: both outlive the transport.
  void Connect(GroupRegistry& groups, Service& service);

  void OnMessage(NodeId from, Channel channel, std::string payload) override;
  void OnCall(NodeId from, std::string request, UniqueFunction<void(std::string)> reply) override;

 private:
  std::atomic<GroupRegistry*> groups_{nullptr};
  std::atomic<Service*> service_{nullptr};
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

// MemberRequests: members added and removed because an operator asks for it, by way of the admin
// endpoint. The groups follow later (MemberSteward).
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "seshat/admin/member_control.h"
#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/resp/reply.h"
#include "seshat/service/cluster_state.h"

namespace seshat {

// Lifetime: all of it outlives the requests.
struct MemberRequestPorts {
  const ClusterStateSource* cluster = nullptr;
  // Whether this node can send to `peer`.
  std::function<bool(NodeId peer)> is_connected = {};
  // A command to the system group; `done` runs once, or never where the node stops.
  std::function<void(std::string command, UniqueFunction<void(Result<Reply>)> done)> propose = {};
};

// Threads: thread-safe; blocks.
class MemberRequests final : public MemberControl {
 public:
  // `wait_max`: beyond it the outcome is unknown.
  MemberRequests(NodeId self, MemberRequestPorts ports,
                 Duration wait_max = std::chrono::seconds(10))
      : self_(self), ports_(std::move(ports)), wait_max_(wait_max) {}

  MemberAnswer Add(NodeId node, const std::string& internal_address) override;
  MemberAnswer Remove(NodeId node) override;

 private:
  // Why `node` may not leave; empty: it may.
  std::string RemovalRefusal(NodeId node, const ClusterState& state) const;
  // Lets one caller wait at a time, so that others of the endpoint's threads are left.
  MemberAnswer Decide(std::string command);
  MemberAnswer Await(std::string command) const;
  MemberAnswer Answer(MemberAnswer::Outcome outcome, std::string problem) const;

  const NodeId self_;
  const MemberRequestPorts ports_;
  const Duration wait_max_;
  std::atomic<bool> is_busy_{false};
};

}  // namespace seshat

// ForwardReceiver: commands that another node brings to the leader of their group.
//
// It executes only if this node leads, and never passes them on: one hop.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "forward_envelope.h"
#include "service_context.h"
#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"
#include "seshat/base/unique_function.h"

namespace seshat {

// Threads: thread-safe.
class ForwardReceiver : public std::enable_shared_from_this<ForwardReceiver> {
 public:
  using SendReply = UniqueFunction<void(std::string)>;

  explicit ForwardReceiver(ServiceContext& context) : context_(context) {}

  void OnCall(NodeId from, std::string request, SendReply reply);
  // Calls that were taken and not yet answered.
  std::size_t in_flight() const { return in_flight_.load(std::memory_order_acquire); }

 private:
  // The call's replies, those of refused commands already in place.
  struct Work {
    RespVersion version = RespVersion::kResp2;
    std::vector<std::string> replies;   // encoded; empty: by the outcome
    std::vector<std::string> commands;  // to be proposed, in order
    // In place of commands: what is asked of the leader itself (leader_commands.h).
    const CommandSpec* leader_command = nullptr;
  };

  void Receive(NodeId from, std::size_t size_bytes, ForwardRequest request, SendReply reply);
  void ExecuteAsLeader(const CommandSpec& spec, NodeId from, std::size_t size_bytes,
                       const ForwardRequest& request, std::shared_ptr<ShardGroup> group,
                       SendReply reply);
  std::shared_ptr<ShardGroup> FindGroup(GroupId group);
  Work Prepare(const ForwardRequest& request);
  Result<std::string> PrepareOne(const ForwardRequest& request,
                                 const std::vector<std::string>& command, Reply& refusal,
                                 const CommandSpec*& leader_command);
  static ForwardReply Conclude(Work work, std::vector<CommandOutcome> outcomes);

  bool TakeBytes(NodeId from, std::size_t bytes) SESHAT_EXCLUDES(mutex_);
  void ReleaseBytes(NodeId from, std::size_t bytes) SESHAT_EXCLUDES(mutex_);

  ServiceContext& context_;
  std::atomic<std::size_t> in_flight_{0};

  Mutex mutex_;
  std::map<NodeId, std::size_t> bytes_ SESHAT_GUARDED_BY(mutex_);  // in flight, by peer
};

}  // namespace seshat

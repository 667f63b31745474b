// LeaderStage: one command that the leader of the shard answers without its log
// (leader_commands.h), here or in one hop. Asking twice does no harm, so whatever goes wrong on the
// way is tried again until the client's patience ends.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "owned_arguments.h"
#include "seshat/base/error.h"
#include "stage.h"

namespace seshat {

// Threads: as Stage.
class LeaderStage final : public Stage {
 public:
  // Pre: spec.kind is kLeader; the arguments are valid (ValidateCommand).
  LeaderStage(StageSetup setup, const CommandSpec& spec, Arguments arguments);

  bool IsWrite() const override { return false; }
  MonotonicTime deadline() const override;
  void OnDeadline() override;
  void Retry() override;

 private:
  void Start() override;
  void Attempt();
  void ExecuteHere();
  void Forward(NodeId leader);
  void OnReply(Result<Reply> reply);
  void OnForwarded(NodeId leader, Result<std::string> answer);
  void OnForwardReply(NodeId leader, std::string_view bytes);
  // CLUSTER FAILOVER: the leader has let go; this node may still have to win.
  void AwaitLeadership();
  void WaitForLeader();
  void Answer(Reply reply);

  const CommandSpec& spec_;
  const OwnedArguments arguments_;
  const std::size_t index_;    // into answers_
  const MonotonicTime until_;  // when the leader answers at the latest
  NodeId hint_;                // who leads, by the word of another node
  NodeId former_leader_;       // it has let go in our favour
};

}  // namespace seshat

// WriteStage: writes on their way through the log: proposed here if this node leads their group,
// else forwarded to the node that does, in one hop; parked while nobody does.
//
// A write is sent again only when it is certain that it was not applied. Source: ADR 0007.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/service/command_waiter.h"
#include "stage.h"

namespace seshat {

// Threads: as Stage.
class WriteStage final : public Stage {
 public:
  explicit WriteStage(StageSetup setup) : Stage(std::move(setup)) {}

  bool IsWrite() const override { return true; }
  // Before Launch. `command` is a DataCommand (EncodeClientCommand).
  void Add(const CommandSpec& spec, std::string command);
  // One connection does not fill a group's queue at the others' expense: what is left goes next.
  // Only a command that is alone may be larger than the bound: together with others the largest
  // would no longer fit into what a transport takes at once.
  bool HasRoomFor(std::size_t command_bytes) const {
    return open_.empty() ||
           (open_.size() < kCommandsMax && open_bytes_ + command_bytes <= kBytesMax);
  }

  void OnDeadline() override;
  void Retry() override;

 private:
  static constexpr std::size_t kCommandsMax = 512;
  static constexpr std::size_t kBytesMax = 4 << 20;

  // A command without its result.
  struct Open {
    std::size_t index = 0;  // into answers_
    std::string command;    // kept, because a refused proposal does not come back
  };
  enum class Phase { kIdle, kProposed, kForwarded };

  void Start() override { Attempt(); }
  void Attempt();
  void ProposeHere();
  void Forward(NodeId leader);
  void OnOutcomes(std::vector<CommandOutcome> outcomes);
  void OnForwarded(NodeId leader, Result<std::string> answer);
  void OnForwardReply(NodeId leader, std::string_view bytes);
  void TryAgain(NodeId asked, NodeId hint);
  void WaitForLeader();
  // A queue on the way is full: a little later it is not, or the client is told.
  void WaitForRoom(const Error& why);

  std::vector<Open> open_;
  std::size_t open_bytes_ = 0;
  MonotonicTime full_since_ = kNever;
  Phase phase_ = Phase::kIdle;
  NodeId hint_;                   // who leads, by the word of another node
  std::size_t redirections_ = 0;  // hints followed since the last wait
};

}  // namespace seshat

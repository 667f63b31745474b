// Stage: the commands that a connection has in flight: some writes or some reads, of one group, in
// order, with the replies of other commands that stand between them.
//
// A connection has one stage in flight at a time. That alone keeps its effects and its replies in
// order, whatever is refused, retried or forwarded, and makes a read see the write before it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "io_lane.h"
#include "service_context.h"
#include "seshat/base/time.h"
#include "seshat/commands/command_spec.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"

namespace seshat {

class Stage;

// Whoever launched a stage.
// Threads: owned by the lane's executor.
class StageOwner {
 public:
  virtual ~StageOwner() = default;

  // Every reply is there. Never called inside Stage::Launch.
  virtual void OnStageDone() = 0;
};

// What a stage needs, the same for writes and reads.
struct StageSetup {
  std::shared_ptr<ServiceContext> context;
  std::shared_ptr<IoLane> lane;
  std::shared_ptr<const RoutingTable> table;  // keeps `route` alive
  const ShardRoute* route = nullptr;
  StageOwner* owner = nullptr;
  RespVersion version = RespVersion::kResp2;
  MonotonicTime started_at;
};

// Threads: owned by the lane's executor.
class Stage : public std::enable_shared_from_this<Stage> {
 public:
  // One command's reply, once `settled`.
  struct Answer {
    const CommandSpec* spec = nullptr;  // null: it named no command
    bool settled = false;
    Reply reply;
    std::string encoded;  // when not empty, instead of `reply`: another node has encoded it
  };

  explicit Stage(StageSetup setup);
  virtual ~Stage() = default;

  virtual bool IsWrite() const = 0;

  // Before Launch: a command that is answered already keeps its place among the others.
  void AddSettled(const CommandSpec* spec, Reply reply);
  void Launch();
  // The owner is gone: what is in flight goes on, nobody is told.
  void Abandon();

  // The deadline has passed: every open command gets its final error, as far as that can be said.
  virtual void OnDeadline() = 0;
  // It was parked: try again.
  virtual void Retry() = 0;

  GroupId group() const { return setup_.route->id; }
  MonotonicTime started_at() const { return setup_.started_at; }
  virtual MonotonicTime deadline() const;
  // One for each command, in order. Complete when the owner is told.
  const std::vector<Answer>& answers() const { return answers_; }

 protected:
  virtual void Start() = 0;

  std::size_t AddOpen(const CommandSpec& spec);
  void Settle(std::size_t index, Reply reply);
  void SettleEncoded(std::size_t index, std::string encoded);
  // Gives every open command this reply and finishes.
  void SettleAll(const Reply& reply);
  void Finish();
  bool finished() const { return finished_; }

  enum class Parking { kParked, kTooMany, kTooLong };
  // Has Retry called in a moment, unless the bounds on waiting for a leader forbid it.
  Parking Park(std::size_t open_commands);
  // Has Retry called in a moment, without counting as parked.
  void RetrySoon() { lane().Park(shared_from_this()); }
  // First thing in Retry. Also looks up the route anew: a replica may have been opened here.
  void Unpark();

  // Whom to ask when this node does not lead: `hint`, else whom our replica follows, else any other
  // replica, which knows more; ours, if there is to be one, is not open yet. kNoNode: nobody now.
  NodeId LeaderToAsk(NodeId hint) const;

  ServiceContext& context() const { return *setup_.context; }
  IoLane& lane() const { return *setup_.lane; }
  const ShardRoute& route() const { return *setup_.route; }
  // This node's replica, or null.
  ShardGroup* replica() const { return setup_.route->replica.group.get(); }
  RespVersion version() const { return setup_.version; }

  std::vector<Answer> answers_;

 private:
  friend class IoLane;

  StageSetup setup_;
  std::size_t watch_index_ = 0;  // the lane's
  std::size_t parked_commands_ = 0;
  MonotonicTime leaderless_since_ = kNever;
  bool launching_ = false;
  bool watched_ = false;
  bool finished_ = false;
};

}  // namespace seshat

// ShardGroup: what the service needs of a group's replica on this node.
//
// A seam: in a node it is a GroupDriver, in tests something that can be told what to answer.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/raft/group_driver.h"

namespace seshat {

// Each method is GroupDriver's of the same name, or reads its GroupView.
// Threads: thread-safe.
class ShardGroup {
 public:
  virtual ~ShardGroup() = default;

  virtual bool IsLeader() const = 0;
  virtual NodeId Leader() const = 0;  // kNoNode: unknown
  virtual LogIndex AppliedIndex() const = 0;
  virtual UnixMillis CurrentStamp() const = 0;
  virtual GroupStatus GetStatus() const = 0;

  virtual void Propose(std::vector<Proposal> proposals) = 0;
  virtual void RequestRead(UniqueFunction<void(Result<ReadPermit>)> done) = 0;
  virtual bool TryLeaseRead(ReadPermit& permit) const = 0;
  virtual void WhenAppliedPast(LogIndex index, UniqueFunction<void()> done) = 0;
  virtual void WhenReplicated(LogIndex index, std::size_t wanted, MonotonicTime until,
                              UniqueFunction<void(Result<std::size_t>)> done) = 0;
  virtual void TransferLeadership(NodeId to, UniqueFunction<void(Status)> done) = 0;
};

std::shared_ptr<ShardGroup> MakeShardGroup(std::shared_ptr<GroupDriver> driver);

}  // namespace seshat

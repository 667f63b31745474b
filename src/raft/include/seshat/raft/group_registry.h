// GroupRegistry: the groups of this node by id, and the way of peers' messages to them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "seshat/base/ids.h"
#include "seshat/raft/group_driver.h"

namespace seshat {

// A new group's row `snapshot`: index 0 and its first configuration (docs/formats.md).
std::string InitialSnapshotRow(const Configuration& configuration, UnixMillis created_at);

// Threads: thread-safe.
class GroupRegistry {
 public:
  GroupRegistry();
  ~GroupRegistry();

  // Pre: no group of that id is registered.
  void Add(GroupId group, std::shared_ptr<GroupDriver> driver);
  // Null when this node has no such group.
  std::shared_ptr<GroupDriver> Find(GroupId group) const;
  std::vector<std::pair<GroupId, std::shared_ptr<GroupDriver>>> All() const;  // ascending

  // Decodes a RaftMessageBatch payload and hands each message to its group; messages of unknown
  // groups are dropped (the group may not have been created here yet).
  // Errors: kInvalidArgument when the payload does not decode or claims another sender.
  Status Dispatch(NodeId from, const std::string& payload);

  // Stops every driver, newest first.
  void StopAll();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace seshat

// A StateStore in memory, for tests: exact semantics, no durability, faults on request.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"
#include "seshat/ports/state_store.h"

namespace seshat {

// Threads: thread-safe. Groups come to be with their first write or with AddGroup.
class MemoryStateStore final : public StateStore {
 public:
  using Rows = std::map<std::string, std::string, std::less<>>;

  void AddGroup(GroupId group);
  // Every row of a group; empty for an unknown one.
  Rows Contents(GroupId group) const;
  // While cold, ReadTier::kMemory answers kWouldBlock, in views already open too.
  void SetCold(bool cold);
  // While set, reads fail with this error, in views already open too.
  void FailReads(std::optional<Error> error);

  Result<Lookup> Get(GroupId group, std::string_view key, ReadTier tier) const override;
  Result<std::unique_ptr<StateView>> View(GroupId group) const override;
  void Write(GroupId group, StateBatch batch) override;

 private:
  class MemoryView;

  Result<Lookup> GetFrom(const Rows& rows, std::string_view key, ReadTier tier) const
      SESHAT_REQUIRES(mutex_);

  mutable Mutex mutex_;
  // Views share a group's rows; a write to rows that a view holds copies them first.
  std::map<GroupId, std::shared_ptr<Rows>> groups_ SESHAT_GUARDED_BY(mutex_);
  bool cold_ SESHAT_GUARDED_BY(mutex_) = false;
  std::optional<Error> failure_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat

// ExpiryDriver: proposes the expiry of a data group's keys when they are due, while this node leads
// the group. Source: docs/adr/0004-time-and-expiry.md.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"
#include "seshat/base/slot.h"
#include "seshat/base/time.h"
#include "seshat/commands/expiry_index.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/executor.h"
#include "seshat/ports/fatal.h"
#include "seshat/ports/state_store.h"
#include "seshat/service/command_waiter.h"
#include "seshat/service/data_state_machine.h"
#include "shard_group.h"

namespace seshat {

struct ExpiryPorts {
  const Clock* clock = nullptr;
  const StateStore* store = nullptr;
  Executor* background = nullptr;  // may block
  FatalHandler* fatal = nullptr;   // a keyspace that cannot be read stops the node
};

// Threads: owned by ports.background, except Start, Stop and ExpireNow (thread-safe).
class ExpiryDriver : public std::enable_shared_from_this<ExpiryDriver> {
 public:
  ExpiryDriver(GroupId id, std::shared_ptr<ShardGroup> group, std::shared_ptr<DataGroupInfo> info,
               const ExpiryPorts& ports);

  void Start();
  // Nothing is proposed any more once what runs on the background executor has returned.
  void Stop();

  // A read came upon this key, which is due: do not let it wait its turn among many. Does nothing
  // on a follower: there the leader's event is on its way.
  void ExpireNow(DueKey key);

 private:
  static constexpr std::size_t kBatchesInFlightMax = 4;

  void Wake();
  // Proposes one batch of what is due. False when nothing is.
  bool ProposeDue();
  void Propose(std::vector<DueKey> keys, std::vector<Slot> slots);
  void OnOutcome(const CommandOutcome& outcome, std::size_t key_count,
                 const std::vector<Slot>& slots);
  void Arm();
  void ArmAt(MonotonicTime when);

  const GroupId id_;
  const std::shared_ptr<ShardGroup> group_;
  const std::shared_ptr<DataGroupInfo> info_;
  const ExpiryPorts ports_;
  std::atomic<bool> stopped_{false};
  std::atomic<std::size_t> in_flight_{0};

  std::size_t armed_ = 0;  // counts armings: only the newest timer acts
};

}  // namespace seshat

// ExpirySchedule: for each slot, the earliest instant at which one of its keys may be due.
//
// A lower bound, held in memory only: rebuilt at start from the expiry index, lowered by the
// applier as keys get an expiry, raised by the expiry driver when a scan of the slot has shown the
// next one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "seshat/base/mutex.h"
#include "seshat/base/slot.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"

namespace seshat {

struct SlotDue {
  Slot slot;
  UnixMillis at;
};

// Threads: thread-safe.
class ExpirySchedule {
 public:
  // Something of `due.slot` is due at `due.at`, perhaps. Call after the write that makes it so.
  void Lower(std::span<const SlotDue> due) SESHAT_EXCLUDES(mutex_);
  // Every key is gone.
  void Clear() SESHAT_EXCLUDES(mutex_);

  // The earliest of all slots.
  std::optional<UnixMillis> Earliest() const SESHAT_EXCLUDES(mutex_);
  // The slot with the earliest instant, if that is at or before `now`, and forgets it: the caller
  // scans the slot, with a view taken after this call, and lowers it to what it finds left.
  std::optional<Slot> TakeDue(UnixMillis now) SESHAT_EXCLUDES(mutex_);

  // Calls `wake`, once, when something earlier than `than` comes in. Replaces a former call.
  void WakeWhenEarlier(UnixMillis than, UniqueFunction<void()> wake) SESHAT_EXCLUDES(mutex_);

 private:
  void LowerLocked(SlotDue due) SESHAT_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::vector<std::int64_t> by_slot_ SESHAT_GUARDED_BY(mutex_);  // kNoExpiry: none; empty at first
  std::set<std::pair<std::int64_t, std::uint16_t>> order_ SESHAT_GUARDED_BY(mutex_);
  std::int64_t wake_below_ SESHAT_GUARDED_BY(mutex_) = 0;
  UniqueFunction<void()> wake_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat

#include "seshat/service/expiry_schedule.h"

#include <limits>

namespace seshat {
namespace {

constexpr std::int64_t kNoExpiry = std::numeric_limits<std::int64_t>::max();

}  // namespace

void ExpirySchedule::LowerLocked(SlotDue due) {
  if (by_slot_.empty()) by_slot_.assign(kSlotCount, kNoExpiry);
  std::int64_t& earliest = by_slot_[due.slot.value()];
  if (due.at.value >= earliest) return;
  if (earliest != kNoExpiry) order_.erase({earliest, due.slot.value()});
  earliest = due.at.value;
  order_.emplace(earliest, due.slot.value());
}

void ExpirySchedule::Lower(std::span<const SlotDue> due) {
  UniqueFunction<void()> wake;
  {
    MutexLock lock(mutex_);
    for (const SlotDue& each : due) LowerLocked(each);
    if (wake_ && !order_.empty() && order_.begin()->first < wake_below_) wake = std::move(wake_);
    if (wake) wake_ = nullptr;
  }
  if (wake) wake();
}

void ExpirySchedule::Clear() {
  MutexLock lock(mutex_);
  by_slot_.clear();
  order_.clear();
}

std::optional<UnixMillis> ExpirySchedule::Earliest() const {
  MutexLock lock(mutex_);
  if (order_.empty()) return std::nullopt;
  return UnixMillis{order_.begin()->first};
}

std::optional<Slot> ExpirySchedule::TakeDue(UnixMillis now) {
  MutexLock lock(mutex_);
  if (order_.empty() || order_.begin()->first > now.value) return std::nullopt;
  const std::uint16_t slot = order_.begin()->second;
  order_.erase(order_.begin());
  by_slot_[slot] = kNoExpiry;
  return Slot(slot);
}

void ExpirySchedule::WakeWhenEarlier(UnixMillis than, UniqueFunction<void()> wake) {
  {
    MutexLock lock(mutex_);
    wake_ = nullptr;
    if (order_.empty() || order_.begin()->first >= than.value) {
      wake_below_ = than.value;
      wake_ = std::move(wake);
      return;
    }
  }
  wake();
}

}  // namespace seshat

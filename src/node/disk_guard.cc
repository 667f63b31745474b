#include "disk_guard.h"

#include <fmt/format.h>

#include <algorithm>

namespace seshat {

bool DiskGuard::Update(const DiskSpace& space) {
  const std::uint64_t needed =
      std::max(free_bytes_min_, space.total_bytes / 100 * free_percent_min_);
  const bool is_low = space.free_bytes < needed;
  {
    const MutexLock lock(mutex_);
    refusal_ = fmt::format(
        "disk almost full: {} MiB free, writes need {} MiB (limits.free_disk_bytes_min, "
        "limits.free_disk_percent_min)",
        space.free_bytes >> 20, needed >> 20);
  }
  return is_low_.exchange(is_low, std::memory_order_acq_rel) != is_low;
}

std::optional<std::string> DiskGuard::Refusal() const {
  if (!is_low_.load(std::memory_order_acquire)) return std::nullopt;
  const MutexLock lock(mutex_);
  return refusal_;
}

}  // namespace seshat

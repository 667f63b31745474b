#include "disk_guard.h"

#include <fmt/format.h>

namespace seshat {

bool DiskGuard::Update(std::uint64_t free_bytes, std::uint64_t free_bytes_min) {
  const bool is_low = free_bytes < free_bytes_min;
  {
    const MutexLock lock(mutex_);
    refusal_ = fmt::format("disk almost full: {} MiB free, writes need {} MiB", free_bytes >> 20,
                           free_bytes_min >> 20);
  }
  return is_low_.exchange(is_low, std::memory_order_acq_rel) != is_low;
}

std::optional<std::string> DiskGuard::Refusal() const {
  if (!is_low_.load(std::memory_order_acquire)) return std::nullopt;
  const MutexLock lock(mutex_);
  return refusal_;
}

}  // namespace seshat

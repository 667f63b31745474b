// DiskGuard: refuses writes before the disk is full, since a full disk would stop the node.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "seshat/base/mutex.h"
#include "seshat/storage/storage_engine.h"

namespace seshat {

// Threads: thread-safe.
class DiskGuard {
 public:
  // Writes need both: `free_bytes_min`, and `free_percent_min` of the whole file system.
  DiskGuard(std::uint64_t free_bytes_min, std::uint64_t free_percent_min)
      : free_bytes_min_(free_bytes_min), free_percent_min_(free_percent_min) {}

  // Takes the newest measurement. True when the answer of Refusal changed.
  bool Update(const DiskSpace& space) SESHAT_EXCLUDES(mutex_);

  // Why writes are refused, as an error reply says it; empty while they are not. Cheap.
  std::optional<std::string> Refusal() const SESHAT_EXCLUDES(mutex_);

 private:
  const std::uint64_t free_bytes_min_;
  const std::uint64_t free_percent_min_;
  std::atomic<bool> is_low_{false};

  mutable Mutex mutex_;
  std::string refusal_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat

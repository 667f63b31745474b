// DiskGuard: refuses writes before the disk is full, since a full disk would stop the node.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "seshat/base/mutex.h"

namespace seshat {

// Threads: thread-safe.
class DiskGuard {
 public:
  // Takes the newest measurement. True when the answer of Refusal changed.
  bool Update(std::uint64_t free_bytes, std::uint64_t free_bytes_min) SESHAT_EXCLUDES(mutex_);

  // Why writes are refused, as an error reply says it; empty while they are not. Cheap.
  std::optional<std::string> Refusal() const SESHAT_EXCLUDES(mutex_);

 private:
  std::atomic<bool> is_low_{false};

  mutable Mutex mutex_;
  std::string refusal_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat

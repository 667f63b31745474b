// LogSizes: how many bytes a group's log records take, and where its newest so many bytes begin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "seshat/base/ids.h"

namespace seshat {

// Threads: owned by the group's raft executor.
class LogSizes {
 public:
  // A log whose next record is `next`.
  explicit LogSizes(LogIndex next = LogIndex(1)) : first_(next) {}

  void Append(std::size_t bytes);
  // Records from `index` on are gone.
  void TruncateFrom(LogIndex index);
  // Records before `index` are gone, all of them at the most.
  void CutBefore(LogIndex index);

  LogIndex first() const { return first_; }
  std::uint64_t total() const { return total_; }
  // Of the records from `index` on.
  std::uint64_t BytesFrom(LogIndex index) const;
  // The lowest index such that the records from it on take no more than `bytes_max`.
  LogIndex TailStart(std::uint64_t bytes_max) const;

 private:
  LogIndex first_;
  // Four bytes a record: the log's own bounds keep them few enough.
  std::deque<std::uint32_t> sizes_;
  std::uint64_t total_ = 0;
};

}  // namespace seshat

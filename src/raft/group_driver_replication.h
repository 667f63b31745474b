// ReplicationWaits: those who wait until more followers than a majority hold an entry.
#pragma once

#include <cstddef>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"

namespace seshat {

struct ReplicationWait {
  LogIndex index;
  std::size_t wanted = 0;
  MonotonicTime until;
  UniqueFunction<void(Result<std::size_t>)> done;
};

// Threads: owned by the group's raft executor. The caller bounds how many wait.
class ReplicationWaits {
 public:
  void Add(ReplicationWait wait);
  bool empty() const { return waits_.empty(); }

  // Each of these moves out the waits that are over; the caller calls them back.
  struct Finished {
    UniqueFunction<void(Result<std::size_t>)> done;
    Result<std::size_t> result;
  };
  // `held`: for each other voter, up to where it is known to hold the log.
  std::vector<Finished> TakeFinished(const std::vector<LogIndex>& held, MonotonicTime now);
  std::vector<Finished> TakeAll(const Error& why);

  MonotonicTime NextDeadline() const { return next_deadline_; }

 private:
  std::vector<ReplicationWait> waits_;
  MonotonicTime next_deadline_ = kNever;
  // With nothing new since the last look there is nothing to look for.
  std::vector<LogIndex> held_before_;
  bool has_new_ = false;
};

}  // namespace seshat

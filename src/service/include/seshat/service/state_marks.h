// StateMarks: where a replica's state was marked last, and its digest there, handed from the
// applier to whoever reports it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"

namespace seshat {

struct StateMark {
  LogIndex index = {};
  std::uint64_t digest = 0;  // AppliedState::digest once this entry is applied

  bool operator==(const StateMark&) const = default;
};

// Threads: thread-safe.
class StateMarks {
 public:
  using Listener = std::function<void(const StateMark&)>;

  void Record(StateMark mark) SESHAT_EXCLUDES(mutex_);
  // `listener` hears each mark from now on, on the group's apply executor, and the newest of those
  // before at once. It must not block. Replaces a former listener.
  void Subscribe(Listener listener) SESHAT_EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  std::optional<StateMark> newest_ SESHAT_GUARDED_BY(mutex_);
  Listener listener_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat

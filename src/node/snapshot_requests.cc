#include "snapshot_requests.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace seshat {
namespace {

using Outcome = SnapshotAnswer::Outcome;

// How soon a waiting request notices that the node stops.
constexpr std::chrono::milliseconds kLookInterval{100};

struct Waiting {
  Mutex mutex;
  CondVar changed;
  std::optional<SnapshotAnswer> answer SESHAT_GUARDED_BY(mutex);
};

SnapshotAnswer AnswerFrom(NodeId self, const Status& taken, const SnapshotKeeperStatus& status) {
  SnapshotAnswer answer;
  answer.node = self;
  if (!taken) {
    answer.problem = taken.error().message();
    return answer;
  }
  answer.outcome = Outcome::kDone;
  answer.name = status.last_name;
  answer.size_bytes = status.last_size_bytes;
  answer.took_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(*status.last_took).count());
  return answer;
}

}  // namespace

SnapshotAnswer SnapshotRequests::Create() {
  const auto waiting = std::make_shared<Waiting>();
  const bool is_begun =
      ports_.keeper->TakeNow([waiting, self = self_, keeper = ports_.keeper](const Status& taken) {
        SnapshotAnswer answer = AnswerFrom(self, taken, keeper->status());
        const MutexLock lock(waiting->mutex);
        waiting->answer = std::move(answer);
        waiting->changed.NotifyAll();
      });
  if (!is_begun) return Failed(Outcome::kRefused, "a snapshot is being taken already");
  const MonotonicTime end = ports_.clock->Now() + wait_max_;
  while (true) {
    {
      MutexLock lock(waiting->mutex);
      if (!waiting->answer) waiting->changed.WaitFor(waiting->mutex, kLookInterval);
      if (waiting->answer) return *std::move(waiting->answer);
    }
    if (const MutexLock lock(mutex_); is_stopping_) {
      return Failed(Outcome::kFailed, "the node is stopping");
    }
    if (ports_.clock->Now() >= end) {
      return Failed(
          Outcome::kFailed,
          fmt::format("not there after {} s; it goes on, and the node's log will tell",
                      std::chrono::duration_cast<std::chrono::seconds>(wait_max_).count()));
    }
  }
}

void SnapshotRequests::Stop() {
  const MutexLock lock(mutex_);
  is_stopping_ = true;
}

SnapshotAnswer SnapshotRequests::Failed(Outcome outcome, std::string problem) const {
  return {.outcome = outcome,
          .node = self_,
          .name = "",
          .size_bytes = 0,
          .took_ms = 0,
          .problem = std::move(problem)};
}

}  // namespace seshat

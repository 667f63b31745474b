// ReadQueue: linearizable reads that wait for a read index, and then for its entry to be applied.
//
// Reads that wait when the driver comes round share one round, so the cost of a round does not grow
// with the number of readers. A round that gets no answer is asked again under a new context; an
// answer to any of its contexts serves, because each was asked after all its reads had begun.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/raft/core.h"
#include "seshat/raft/group_driver.h"

namespace seshat {

using ReadDone = UniqueFunction<void(Result<ReadPermit>)>;

struct PendingRead {
  ReadDone done;
  MonotonicTime deadline;
};

// Threads: owned by the group's raft executor. The caller bounds how many reads wait.
class ReadQueue {
 public:
  // `first_context`: one that no earlier run of this node used, lest a late answer to that run be
  // taken for one to this.
  ReadQueue(Duration retry, std::uint64_t first_context)
      : retry_(retry), next_context_(first_context) {}

  void Add(PendingRead read) { waiting_.push_back(std::move(read)); }
  // Starts a round for what waits, and asks again what got no answer.
  void Ask(Core& core, MonotonicTime now);
  // Asks at the next chance what no leader could be asked before.
  void OnLeaderKnown();
  // `leader_time`: by which the reads are to be judged.
  void OnGranted(const ReadGrant& grant, UnixMillis leader_time);
  void OnFailed(std::uint64_t context, MonotonicTime now);

  // Each of these moves out the reads that are over; the caller calls them back.
  struct Finished {
    ReadDone done;
    Result<ReadPermit> result;
  };
  std::vector<Finished> TakeServable(LogIndex applied);
  std::vector<Finished> TakeExpired(MonotonicTime now);
  std::vector<Finished> TakeAll(const Error& why);

  MonotonicTime NextDeadline() const;

 private:
  // More in flight would only make the rounds smaller.
  static constexpr std::size_t kRoundsMax = 4;

  struct Round {
    std::vector<PendingRead> reads;
    std::vector<std::uint64_t> contexts;
    MonotonicTime ask_at;
  };
  struct Granted {
    std::vector<PendingRead> reads;
    LogIndex index;
    UnixMillis leader_time;
  };
  std::vector<Round>::iterator FindRound(std::uint64_t context);

  const Duration retry_;
  std::uint64_t next_context_;
  std::vector<PendingRead> waiting_;
  std::vector<Round> rounds_;
  std::vector<Granted> granted_;
};

}  // namespace seshat

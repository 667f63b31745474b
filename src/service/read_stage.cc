#include "read_stage.h"

#include <fmt/format.h>

#include <chrono>

#include "outcome_replies.h"
#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"
#include "seshat/ports/fatal.h"

namespace seshat {

void ReadStage::Add(const CommandSpec& spec, Arguments arguments) {
  open_.push_back({AddOpen(spec), OwnedArguments(arguments)});
}

void ReadStage::UsePermit(const ReadPermit& permit, bool needs_disk) {
  permit_ = permit;
  needs_disk_ = needs_disk;
}

void ReadStage::Start() {
  if (!permit_.has_value()) return AskPermit();
  Continue(needs_disk_ ? ReadTier::kAnywhere : ReadTier::kMemory);
}

void ReadStage::AskPermit() {
  if (replica() == nullptr) {
    // It is being opened, as after a start.
    return WaitForLeader(
        Error(ErrorCode::kUnavailable,
              fmt::format("this node has no replica of shard {} yet", group().value())));
  }
  if (context().options.read_mode == ReadMode::kStale || HasBug("reads-ask-nobody")) {
    return OnPermit(ReadPermit{replica()->CurrentStamp(), replica()->AppliedIndex()});
  }
  replica()->RequestRead([self = std::static_pointer_cast<ReadStage>(shared_from_this())](
                             Result<ReadPermit> permit) mutable {
    IoLane& lane = self->lane();
    lane.Push([stage = std::move(self), permit = std::move(permit)]() mutable {
      stage->OnPermit(std::move(permit));
    });
  });
}

void ReadStage::OnPermit(Result<ReadPermit> permit) {
  if (finished()) return;
  if (!permit) return WaitForLeader(permit.error());
  permit_ = *permit;
  Continue(ReadTier::kMemory);
}

void ReadStage::WaitForLeader(const Error& why) {
  if (why.code() != ErrorCode::kUnavailable) return SettleAll(UnreadableBecause(why));
  switch (Park(open_.size())) {
    case Parking::kParked:
      return;
    case Parking::kTooMany:
      return SettleAll(
          Unreadable(fmt::format("no leader for shard {}, and {} commands wait for "
                                 "one already",
                                 group().value(), context().options.parked_commands_max)));
    case Parking::kTooLong:
      return SettleAll(UnreadableBecause(why));
  }
}

void ReadStage::Retry() {
  Unpark();
  if (finished()) return;
  if (permit_.has_value()) return Continue(ReadTier::kMemory);
  AskPermit();
}

ReadStage::Walk ReadStage::Execute(ReadTier tier) {
  const KeyspaceReader reader(*context().ports.store, group(), tier);
  for (; next_ < open_.size(); ++next_) {
    const Open& open = open_[next_];
    const LogIndex applied_before = replica()->AppliedIndex();
    Result<ReadOutcome> outcome =
        ExecuteRead(*answers_[open.index].spec, open.arguments.view(), reader, permit_->leader_time,
                    context().options.reply_bytes_max);
    if (!outcome) {
      context().ports.fatal->StopNode(std::move(outcome).error().WithContext("read"));
      return {.pause = Pause::kFailed, .applied_before = {}, .due = {}};
    }
    switch (outcome->kind) {
      case ReadOutcome::Kind::kReply:
        Settle(open.index, std::move(outcome->reply));
        break;
      case ReadOutcome::Kind::kWouldBlock:
        SESHAT_CHECK(tier == ReadTier::kMemory);
        return {.pause = Pause::kWouldBlock, .applied_before = {}, .due = {}};
      case ReadOutcome::Kind::kKeyDue:
        return {.pause = Pause::kKeyDue,
                .applied_before = applied_before,
                .due = {std::move(outcome->due_key), outcome->due_at, outcome->due_revision}};
    }
  }
  return {};
}

void ReadStage::Continue(ReadTier tier) {
  if (tier == ReadTier::kAnywhere) return ContinueOnPool();
  OnWalked(Execute(tier));
}

void ReadStage::ContinueOnPool() {
  on_pool_ = true;
  const std::vector<Executor*>& pool = context().ports.read_pool;
  const std::size_t turn = context().next_reader.fetch_add(1, std::memory_order_relaxed);
  pool[turn % pool.size()]->Post(
      [self = std::static_pointer_cast<ReadStage>(shared_from_this())]() mutable {
        Walk walk = self->Execute(ReadTier::kAnywhere);
        IoLane& lane = self->lane();
        lane.Push([stage = std::move(self), walk = std::move(walk)]() mutable {
          stage->on_pool_ = false;
          stage->OnWalked(std::move(walk));
        });
      });
}

void ReadStage::OnWalked(Walk walk) {
  if (finished()) return;
  switch (walk.pause) {
    case Pause::kNone:
      return Finish();
    case Pause::kWouldBlock:
      return ContinueOnPool();
    case Pause::kKeyDue:
      return WaitForExpiry(std::move(walk));
    case Pause::kFailed:
      return SettleAll(Unreadable("this node is stopping"));
  }
}

void ReadStage::WaitForExpiry(Walk walk) {
  if (context().ports.clock->Now() >= deadline()) return OnDeadline();
  if (const auto& expiry = route().replica.expiry; expiry != nullptr) {
    expiry->ExpireNow(std::move(walk.due));
  }
  replica()->WhenAppliedPast(walk.applied_before,
                             [self = std::static_pointer_cast<ReadStage>(shared_from_this()),
                              before = walk.applied_before]() mutable {
                               IoLane& lane = self->lane();
                               lane.Push([stage = std::move(self), before] {
                                 if (stage->finished()) return;
                                 // Called early, because too many wait or the group has stopped: do
                                 // not spin.
                                 if (stage->replica()->AppliedIndex() <= before)
                                   return stage->RetrySoon();
                                 stage->Continue(ReadTier::kMemory);
                               });
                             });
}

void ReadStage::OnDeadline() {
  if (on_pool_) return;  // the disk answers, or its failure stops the node
  const auto limit = std::chrono::duration<double>(context().options.request_timeout).count();
  SettleAll(Unreadable(fmt::format("not possible within {} s", limit)));
}

}  // namespace seshat

#include "snapshot_fetch.h"

#include <utility>

#include <fmt/format.h>

#include "seshat/base/seeded_bug.h"
#include "snapshot_chunk.h"

namespace seshat {

SnapshotFetch::SnapshotFetch(GroupId group, SnapshotOffer offer, std::unique_ptr<StateAudit> audit,
                             const SnapshotFetchOptions& options, const SnapshotFetchPorts& ports)
    : group_(group),
      offer_(std::move(offer)),
      options_(options),
      ports_(ports),
      audit_(std::move(audit)) {}

void SnapshotFetch::Begin(Done done) {
  done_ = std::move(done);
  ports_.worker->Post([self = shared_from_this()] { self->Start(); });
}

void SnapshotFetch::Cancel() {
  const MutexLock lock(mutex_);
  is_cancelled_ = true;
}

bool SnapshotFetch::IsCancelled() const {
  const MutexLock lock(mutex_);
  return is_cancelled_;
}

void SnapshotFetch::Start() {
  if (IsCancelled()) return;
  Result<std::unique_ptr<IncomingState>> incoming = ports_.store->BeginIncoming(group_);
  if (!incoming) return Finish(std::unexpected(std::move(incoming).error()));
  incoming_ = *std::move(incoming);
  give_up_at_ = ports_.clock->Now() + options_.give_up_after;
  Ask();
}

void SnapshotFetch::Ask() {
  std::string request = EncodeChunkRequest({.group = group_,
                                            .index = offer_.snapshot.index,
                                            .term = offer_.snapshot.term,
                                            .after_key = after_key_});
  ports_.transport->Call(offer_.from, CallKind::kSnapshot, std::move(request),
                         ports_.clock->Now() + options_.call_timeout,
                         [weak = weak_from_this(), call = ++call_](Result<std::string> answer) {
                           if (const auto self = weak.lock()) {
                             self->OnAnswer(call, std::move(answer));
                           }
                         });
}

// A cancelled fetch may outlive its worker.
void SnapshotFetch::OnAnswer(std::uint64_t call, Result<std::string> answer) {
  const MutexLock lock(mutex_);
  if (is_cancelled_) return;
  ports_.worker->Post([self = shared_from_this(), call, answer = std::move(answer)] {
    self->TakeChunk(call, answer);
  });
}

void SnapshotFetch::TakeChunk(std::uint64_t call, const Result<std::string>& answer) {
  if (IsCancelled() || call != call_ || !incoming_) return;
  if (!answer) return RetryOrGiveUp(answer.error());
  Result<SnapshotChunk> chunk = DecodeChunk(*answer, after_key_);
  if (!chunk) return RetryOrGiveUp(chunk.error());
  if (chunk->is_gone) {
    return Finish(MakeError(ErrorCode::kNotFound, "the snapshot is there no more"));
  }
  give_up_at_ = ports_.clock->Now() + options_.give_up_after;
  const std::string last_key = chunk->LastKey();
  const bool is_last = chunk->is_last || HasBug("snapshot-ends-with-its-first-chunk");
  if (!is_last && last_key <= after_key_) {
    return Finish(MakeError(ErrorCode::kCorruption, "a chunk of a snapshot leads nowhere"));
  }
  if (!last_key.empty()) after_key_ = last_key;
  if (!is_last) Ask();  // it travels while this one is written
  if (Status added = AddRows(*chunk); !added) return Finish(std::unexpected(added.error()));
  if (is_last) Complete();
}

// A lost answer, or one that was damaged on the way, is asked for again.
void SnapshotFetch::RetryOrGiveUp(Error why) {
  const MonotonicTime now = ports_.clock->Now();
  if (is_superseded_.load(std::memory_order_relaxed)) {
    return Finish(MakeError(ErrorCode::kNotFound,
                            "another node leads now, and this one is silent: " + why.message()));
  }
  if (now >= give_up_at_) return Finish(std::unexpected(std::move(why)));
  ports_.worker->PostAt(now + options_.retry_delay, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && !self->IsCancelled() && self->incoming_) self->Ask();
  });
}

Status SnapshotFetch::AddRows(const SnapshotChunk& chunk) {
  return chunk.ForEach([this](std::string_view key, std::string_view value) {
    audit_->Add(key, value);
    rows_received_.fetch_add(1, std::memory_order_relaxed);
    bytes_received_.fetch_add(key.size() + value.size(), std::memory_order_relaxed);
    return incoming_->Add(key, value);
  });
}

void SnapshotFetch::Complete() {
  const Result<StateFacts> facts = audit_->Finish();
  if (!facts) return Finish(std::unexpected(facts.error()));
  const SnapshotDescriptor& offered = offer_.snapshot;
  const StateFacts promised{.index = offered.index,
                            .term = offered.term,
                            .key_count = offered.key_count,
                            .digest = offered.digest};
  if (*facts != promised) {
    return Finish(MakeError(
        ErrorCode::kCorruption,
        fmt::format("the state received is at {}/{} with {} keys, digest {:016x}; promised were "
                    "{}/{} with {} keys, digest {:016x}",
                    facts->term.value(), facts->index.value(), facts->key_count, facts->digest,
                    promised.term.value(), promised.index.value(), promised.key_count,
                    promised.digest)));
  }
  if (Status finished = incoming_->Finish(); !finished) {
    return Finish(std::unexpected(finished.error()));
  }
  Finish(std::move(incoming_));
}

void SnapshotFetch::Finish(Result<std::shared_ptr<IncomingState>> result) {
  incoming_.reset();
  if (!IsCancelled()) std::exchange(done_, nullptr)(std::move(result));
}

}  // namespace seshat

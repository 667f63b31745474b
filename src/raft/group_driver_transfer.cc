// Transfers of leadership on the raft executor: they begin, end, or fail with the driver; and this
// node begins one itself when its disk is slow.
#include <utility>

#include <fmt/format.h>

#include "group_driver_impl.h"

namespace seshat {

void GroupDriver::Impl::BeginTransfers(std::vector<TransferRequest>& requests, MonotonicTime now) {
  for (TransferRequest& request : requests) {
    FinishTransfer();  // the one before may have ended in this very cycle
    Status begun = core_.TransferLeadership(request.to, now);
    if (!begun) {
      request.done(std::move(begun));
      continue;
    }
    // Before anybody is told: no thread may find a lease from here on (read rule 4).
    PublishView(now);
    transfer_done_ = std::move(request.done);
    transfer_to_ = core_.transferee();
    transfer_reason_ = request.reason;
  }
}

void GroupDriver::Impl::FinishTransfer() {
  if (!transfer_done_ || core_.transferee() != kNoNode) return;
  TransferDone done = std::exchange(transfer_done_, nullptr);
  if (core_.role() != Role::kLeader) {
    if (gauges_) gauges_->CountHandOver(transfer_reason_);
    return done({});
  }
  done(MakeError(ErrorCode::kUnavailable,
                 fmt::format("node {} did not take over in time", transfer_to_.value())));
}

void GroupDriver::Impl::FailTransfers(std::vector<TransferRequest>& requests, const Error& why) {
  if (transfer_done_) std::exchange(transfer_done_, nullptr)(std::unexpected(why));
  for (TransferRequest& request : requests) request.done(std::unexpected(why));
}

void GroupDriver::Impl::LearnDisk(const Message& message) {
  const bool is_answer = message.type == MessageType::kHeartbeatResponse &&
                         message.term == core_.term() && core_.role() == Role::kLeader;
  if (is_answer) slow_disk_.OnReport(message.from, message.log_sync);
}

void GroupDriver::Impl::HandOverIfSlow(MonotonicTime now) {
  // Writes end in the order in which they were queued.
  const Duration waited =
      pending_readys_.empty() ? Duration::zero() : now - pending_readys_.front().queued_at;
  if (!sync_latency_.Advance(now, waited) || core_.role() != Role::kLeader) return;
  if (core_.transferee() != kNoNode) return;
  const std::optional<SlowDiskHandOver> found =
      slow_disk_.Judge(sync_latency_, core_.GetStatus(), leader_since_, now);
  if (!found) return;
  Report(SlowDiskEvent::Kind::kHandingOver, *found);
  std::vector<TransferRequest> requests;
  requests.push_back({.to = found->to,
                      .done =
                          [this, hand_over = *found](Status status) {
                            if (status) return Report(SlowDiskEvent::Kind::kHandedOver, hand_over);
                            Report(SlowDiskEvent::Kind::kFailed, hand_over,
                                   status.error().message());
                          },
                      .reason = TransferReason::kSlowDisk});
  BeginTransfers(requests, now);
}

void GroupDriver::Impl::Report(SlowDiskEvent::Kind kind, const SlowDiskHandOver& hand_over,
                               std::string why) const {
  if (!ports_.on_slow_disk) return;
  ports_.on_slow_disk({.kind = kind,
                       .group = group_,
                       .to = hand_over.to,
                       .own = hand_over.own,
                       .theirs = hand_over.theirs,
                       .why = std::move(why)});
}

}  // namespace seshat

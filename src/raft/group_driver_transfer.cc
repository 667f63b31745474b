// Transfers of leadership on the raft executor: they begin, end, or fail with the driver.
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
  }
}

void GroupDriver::Impl::FinishTransfer() {
  if (!transfer_done_ || core_.transferee() != kNoNode) return;
  TransferDone done = std::exchange(transfer_done_, nullptr);
  if (core_.role() != Role::kLeader) return done({});
  done(MakeError(ErrorCode::kUnavailable,
                 fmt::format("node {} did not take over in time", transfer_to_.value())));
}

void GroupDriver::Impl::FailTransfers(std::vector<TransferRequest>& requests, const Error& why) {
  if (transfer_done_) std::exchange(transfer_done_, nullptr)(std::unexpected(why));
  for (TransferRequest& request : requests) request.done(std::unexpected(why));
}

}  // namespace seshat

#include "expiry_driver.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "seshat/commands/data_command.h"

namespace seshat {
namespace {

// How soon a new leader notices that it has to expire keys.
constexpr Duration kFollowerInterval = std::chrono::milliseconds(100);
// A timer is never further away, so that a stamp that runs fast is noticed.
constexpr Duration kIntervalMax = std::chrono::seconds(1);
// After a refusal: not at once again.
constexpr Duration kRetryInterval = std::chrono::milliseconds(20);

}  // namespace

ExpiryDriver::ExpiryDriver(GroupId id, std::shared_ptr<ShardGroup> group,
                           std::shared_ptr<DataGroupInfo> info, const ExpiryPorts& ports)
    : id_(id), group_(std::move(group)), info_(std::move(info)), ports_(ports) {}

void ExpiryDriver::Start() {
  ports_.background->Post([self = shared_from_this()] { self->Wake(); });
}

void ExpiryDriver::Stop() {
  stopped_.store(true, std::memory_order_release);
}

void ExpiryDriver::ExpireNow(DueKey key) {
  if (!group_->IsLeader() || stopped_.load(std::memory_order_acquire)) return;
  const Slot slot = SlotOf(key.key);
  std::vector<DueKey> keys;
  keys.push_back(std::move(key));
  Propose(std::move(keys), {slot});
}

void ExpiryDriver::Wake() {
  if (stopped_.load(std::memory_order_acquire)) return;
  if (!group_->IsLeader()) {
    ArmAt(ports_.clock->Now() + kFollowerInterval);
    return;
  }
  while (in_flight_.load(std::memory_order_acquire) < kBatchesInFlightMax && ProposeDue()) {
  }
  Arm();
}

bool ExpiryDriver::ProposeDue() {
  const UnixMillis now = group_->CurrentStamp();
  std::vector<DueKey> keys;
  std::vector<Slot> slots;
  std::vector<SlotDue> left;
  while (keys.size() < kExpiringKeysMax) {
    const std::optional<Slot> slot = info_->expiries.TakeDue(now);
    if (!slot.has_value()) break;
    // Taken after the slot was forgotten: what is added from here on lowers the schedule itself.
    Result<std::unique_ptr<StateView>> view = ports_.store->View(id_);
    Result<DueKeys> due = view ? CollectDueKeys(**view, *slot, now, kExpiringKeysMax - keys.size())
                               : Result<DueKeys>(std::unexpected(std::move(view).error()));
    if (!due) {
      stopped_.store(true, std::memory_order_release);
      ports_.fatal->StopNode(std::move(due).error().WithContext("expiry index"));
      return false;
    }
    if (due->next.has_value()) left.push_back({*slot, *due->next});
    if (due->keys.empty()) continue;
    slots.push_back(*slot);
    std::ranges::move(due->keys, std::back_inserter(keys));
  }
  info_->expiries.Lower(left);
  if (keys.empty()) return false;
  Propose(std::move(keys), std::move(slots));
  return true;
}

void ExpiryDriver::Propose(std::vector<DueKey> keys, std::vector<Slot> slots) {
  std::vector<ExpiringKey> named;
  named.reserve(keys.size());
  for (const DueKey& key : keys) named.push_back({key.key, key.expires_at, key.revision});
  in_flight_.fetch_add(1, std::memory_order_acq_rel);
  std::vector<Proposal> proposals;
  proposals.push_back(
      {.command = EncodeExpireKeys(named),
       .waiter = MakeCommandWaiter([self = shared_from_this(), count = keys.size(),
                                    slots = std::move(slots)](CommandOutcome outcome) {
         self->OnOutcome(outcome, count, slots);
       })});
  group_->Propose(std::move(proposals));
}

void ExpiryDriver::OnOutcome(const CommandOutcome& outcome, std::size_t key_count,
                             const std::vector<Slot>& slots) {
  const bool was_full = in_flight_.fetch_sub(1, std::memory_order_acq_rel) >= kBatchesInFlightMax;
  const bool all_removed = outcome.kind == CommandOutcome::Kind::kApplied &&
                           outcome.reply.integer == static_cast<std::int64_t>(key_count);
  if (!all_removed) {
    // Some keys may still be there and due: have their slots looked at again, a little later.
    const UnixMillis again{
        group_->CurrentStamp().value +
        std::chrono::duration_cast<std::chrono::milliseconds>(kRetryInterval).count()};
    std::vector<SlotDue> due;
    for (Slot slot : slots) due.push_back({slot, again});
    info_->expiries.Lower(due);
  }
  if (!was_full || stopped_.load(std::memory_order_acquire)) return;
  ports_.background->Post([self = shared_from_this()] { self->Wake(); });
}

void ExpiryDriver::Arm() {
  const MonotonicTime now = ports_.clock->Now();
  if (in_flight_.load(std::memory_order_acquire) >= kBatchesInFlightMax) {
    ArmAt(now + kIntervalMax);  // an outcome wakes it sooner
    return;
  }
  const UnixMillis stamp = group_->CurrentStamp();
  std::chrono::milliseconds wait =
      std::chrono::duration_cast<std::chrono::milliseconds>(kIntervalMax);
  if (const auto earliest = info_->expiries.Earliest(); earliest.has_value()) {
    wait = std::clamp(std::chrono::milliseconds(earliest->value - stamp.value),
                      std::chrono::milliseconds(0), wait);
  }
  ArmAt(now + wait);
  info_->expiries.WakeWhenEarlier({stamp.value + wait.count()}, [weak = weak_from_this()] {
    const std::shared_ptr<ExpiryDriver> self = weak.lock();
    if (self != nullptr) self->ports_.background->Post([self] { self->Wake(); });
  });
}

void ExpiryDriver::ArmAt(MonotonicTime when) {
  ports_.background->PostAt(when, [weak = weak_from_this(), armed = ++armed_] {
    const std::shared_ptr<ExpiryDriver> self = weak.lock();
    if (self != nullptr && self->armed_ == armed) self->Wake();
  });
}

}  // namespace seshat

#include "seshat/service/data_state_machine.h"

#include <utility>

#include "entry_checks.h"
#include "seshat/commands/execution.h"
#include "seshat/commands/expiry_index.h"
#include "seshat/commands/row_digest.h"
#include "seshat/service/state_audit.h"

namespace seshat {
namespace {

// A batch is closed at the first entry's end past this many commands or bytes of values, so that
// what it holds in memory stays bounded when many small entries touch many large values.
constexpr std::size_t kBatchCommandsMax = 4096;
constexpr std::size_t kBatchBytesMax = 64 << 20;

Result<std::vector<SlotDue>> ScanExpiries(const StateStore& store, GroupId group) {
  Result<std::unique_ptr<StateView>> view = store.View(group);
  if (!view) return std::unexpected(std::move(view).error());
  Result<std::vector<SlotExpiry>> slots = EarliestExpiries(**view);
  if (!slots) return std::unexpected(std::move(slots).error());
  std::vector<SlotDue> due;
  due.reserve(slots->size());
  for (const SlotExpiry& slot : *slots) due.push_back({slot.slot, slot.earliest});
  return due;
}

// Rows that were written before digests were kept have none: it is made up for once, by a scan.
Status CompleteDigest(const StateStore& store, GroupId group, AppliedState& applied) {
  if (applied.digest.has_value()) return {};
  Result<std::unique_ptr<StateView>> view = store.View(group);
  if (!view) return std::unexpected(std::move(view).error());
  const Result<std::uint64_t> sum = SumRows(**view);
  if (!sum) return std::unexpected(sum.error());
  applied.digest = *sum;
  return {};
}

}  // namespace

DataStateMachine::DataStateMachine(StateStore& store, const DataStateMachineOptions& options)
    : store_(store), options_(options), info_(std::make_shared<DataGroupInfo>()) {}

Result<std::unique_ptr<DataStateMachine>> DataStateMachine::Open(
    StateStore& store, const DataStateMachineOptions& options) {
  std::unique_ptr<DataStateMachine> machine(new DataStateMachine(store, options));
  if (Status opened = machine->Reopen(); !opened) {
    return std::unexpected(std::move(opened).error());
  }
  return machine;
}

Status DataStateMachine::Reopen() {
  Result<AppliedState> applied = ReadAppliedState(store_, options_.group);
  if (!applied) return std::unexpected(std::move(applied).error());
  if (Status complete = CompleteDigest(store_, options_.group, *applied); !complete) {
    return complete;
  }
  Result<std::vector<SlotDue>> due = ScanExpiries(store_, options_.group);
  if (!due) return std::unexpected(std::move(due).error());
  keyspace_.emplace(store_, options_.group, *applied);
  expired_on_access_ = 0;
  info_->expiries.Clear();
  info_->expiries.Lower(*due);
  PublishKeyCount();
  return {};
}

Result<StateFacts> DataStateMachine::Describe(const StateView& view) const {
  const Result<AppliedState> applied = ReadAppliedState(view);
  if (!applied) return std::unexpected(applied.error());
  if (!applied->digest) return AuditView(AuditedRows::kData, view);
  return StateFacts{.index = applied->index,
                    .term = applied->term,
                    .key_count = applied->key_count,
                    .digest = *applied->digest};
}

std::unique_ptr<StateAudit> DataStateMachine::NewAudit() const {
  return MakeStateAudit(AuditedRows::kData);
}

Status DataStateMachine::Apply(std::vector<CommittedEntry> entries) {
  std::vector<Answer> answers;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    CommittedEntry& entry = entries[i];
    if (Status status = ApplyEntry(entry, answers); !status) {
      return std::unexpected(
          std::move(status).error().WithContext(EntryName(options_.group, entry.index)));
    }
    if (i + 1 == entries.size() || is_marked_ || commands_in_batch_ >= kBatchCommandsMax ||
        keyspace_->held_bytes() >= kBatchBytesMax) {
      WriteBatch(entry.index, entry.term);
      for (Answer& answer : answers) AnswerWaiter(*answer.waiter, std::move(answer.reply));
      answers.clear();
      // A batch ends with the entry: elsewhere other entries would share it.
      if (std::exchange(is_marked_, false)) {
        info_->marks.Record({.index = entry.index, .digest = *keyspace_->applied().digest});
      }
    }
  }
  return {};
}

Status DataStateMachine::ApplyEntry(CommittedEntry& entry, std::vector<Answer>& answers) {
  if (Status status = CheckEntry(options_.group, entry); !status) return status;
  if (entry.type != EntryType::kNormal) return {};
  const UnixMillis time = keyspace_->BeginEntry(entry.stamp);
  for (std::size_t i = 0; i < entry.commands.size(); ++i) {
    Result<Reply> reply =
        ApplyDataCommand(entry.commands[i], *keyspace_, time, options_.limits, scratch_);
    if (!reply) return std::unexpected(std::move(reply).error());
    if (scratch_.kind == DataCommand::Kind::kExpire) {
      info_->keys_expired.fetch_add(static_cast<std::uint64_t>(reply->integer),
                                    std::memory_order_relaxed);
    }
    if (scratch_.kind == DataCommand::Kind::kMark) {
      is_marked_ = true;
    } else {
      ++commands_in_batch_;
    }
    if (!entry.waiters.empty()) answers.push_back({std::move(entry.waiters[i]), *std::move(reply)});
  }
  return {};
}

void DataStateMachine::WriteBatch(LogIndex index, Term term) {
  KeyspaceBatch batch = keyspace_->TakeBatch(index, term);
  store_.Write(options_.group, std::move(batch.writes));

  // Only now: whoever scans a slot after it was lowered must see what lowered it.
  if (batch.cleared) info_->expiries.Clear();
  std::vector<SlotDue> due;
  for (const ExpiryChange& change : batch.expiry_changes) {
    if (change.kind == ExpiryChange::Kind::kAdded) due.push_back({change.slot, change.expires_at});
  }
  if (!due.empty()) info_->expiries.Lower(due);

  PublishKeyCount();
  const std::uint64_t on_access = keyspace_->expired_on_access();
  info_->keys_expired.fetch_add(on_access - std::exchange(expired_on_access_, on_access),
                                std::memory_order_relaxed);
  info_->commands_applied.fetch_add(commands_in_batch_, std::memory_order_relaxed);
  commands_in_batch_ = 0;
}

void DataStateMachine::PublishKeyCount() {
  const std::uint64_t key_count = keyspace_->applied().key_count;
  info_->key_count.store(key_count, std::memory_order_relaxed);
  if (options_.key_count != nullptr) options_.key_count->Set(static_cast<double>(key_count));
}

}  // namespace seshat

#include "disk.h"

#include <algorithm>
#include <utility>

#include "seshat/base/check.h"
#include "snapshots.h"

namespace seshat {
SimDisk::SimDisk(SimScheduler& scheduler, NodeId node) : scheduler_(scheduler), node_(node) {}

std::vector<GroupId> SimDisk::Groups() const {
  std::vector<GroupId> groups;
  for (const auto& [group, image] : current_) groups.push_back(group);
  return groups;
}

Status SimDisk::CreateGroup(GroupId group, std::string snapshot_row) {
  GroupImage image;
  image.snapshot_row = std::move(snapshot_row);
  if (!current_.emplace(group, image).second) {
    return MakeError(ErrorCode::kFailedPrecondition, "the group exists");
  }
  durable_.emplace(group, std::move(image));
  return {};
}

Result<LogContents> SimDisk::Load(GroupId group) {
  const auto it = current_.find(group);
  if (it == current_.end()) return MakeError(ErrorCode::kNotFound, "no such group");
  const GroupImage& image = it->second;
  LogContents contents;
  contents.state_row = image.state_row;
  contents.snapshot_row = image.snapshot_row;
  contents.first_index = image.first_index;
  contents.last_index = LogIndex(image.first_index.value() + image.records.size() - 1);
  return contents;
}

std::optional<std::string> SimDisk::RecordIn(const Image& image, GroupId group, LogIndex index) {
  const auto it = image.find(group);
  if (it == image.end() || index < it->second.first_index) return std::nullopt;
  const std::size_t offset = index.value() - it->second.first_index.value();
  if (offset >= it->second.records.size()) return std::nullopt;
  return it->second.records[offset];
}

std::optional<std::string> SimDisk::DurableRecord(GroupId group, LogIndex index) const {
  return RecordIn(durable_, group, index);
}

LogIndex SimDisk::DurableFirst(GroupId group) const {
  return durable_.at(group).first_index;
}

LogIndex SimDisk::CurrentFirst(GroupId group) const {
  return current_.at(group).first_index;
}

std::optional<std::string> SimDisk::DurableState(GroupId group) const {
  return durable_.at(group).state_row;
}

std::optional<std::string> SimDisk::CurrentRecord(GroupId group, LogIndex index) const {
  return RecordIn(current_, group, index);
}

Result<std::vector<LogRecord>> SimDisk::Read(GroupId group, LogIndex first, LogIndex end,
                                             std::size_t bytes_max) {
  std::vector<LogRecord> records;
  std::size_t bytes = 0;
  for (LogIndex index = first; index < end; index = index.Next()) {
    std::optional<std::string> value = CurrentRecord(group, index);
    if (!value) break;
    bytes += value->size();
    if (!records.empty() && bytes > bytes_max) break;
    records.push_back({index, *std::move(value)});
  }
  if (records.empty()) return MakeError(ErrorCode::kNotFound, "the record is not in the log");
  return records;
}

void SimDisk::Write(LogWrite write, UniqueFunction<void()> on_durable) {
  queue_.push_back({std::move(write), std::move(on_durable)});
  StartSync();
}

Result<Lookup> SimDisk::Get(GroupId group, std::string_view key, ReadTier) const {
  const auto it = current_.find(group);
  if (it == current_.end()) return MakeError(ErrorCode::kNotFound, "no such group");
  const auto row = it->second.rows.find(key);
  if (row == it->second.rows.end()) return Lookup{};
  return Lookup{Lookup::Outcome::kFound, row->second};
}

std::uint64_t SimDisk::StateDigest(GroupId group) const {
  std::uint64_t digest = 0;
  const auto mix = [&](std::string_view bytes) {
    digest = Random(digest ^ std::hash<std::string_view>{}(bytes)).Next();
  };
  for (const auto& [key, value] : current_.at(group).rows) {
    mix(key);
    mix(value);
  }
  return digest;
}

Result<std::unique_ptr<StateView>> SimDisk::View(GroupId group) const {
  const auto it = current_.find(group);
  if (it == current_.end()) return MakeError(ErrorCode::kNotFound, "no such group");
  return std::make_unique<RowsView>(CopyRows(group));
}

std::shared_ptr<const Rows> SimDisk::CopyRows(GroupId group) const {
  return std::make_shared<const Rows>(current_.at(group).rows);
}

void SimDisk::Write(GroupId group, StateBatch batch) {
  Append(StateWrite{group, std::move(batch)});
}

void SimDisk::ApplyTo(Image& image, const LogWrite& write) {
  GroupImage& group = image.at(write.group);
  if (write.install) {
    group.rows = dynamic_cast<const SimIncomingState&>(*write.install).rows();
    group.records.clear();
    group.first_index = write.start->first_index;
  }
  if (write.start) {
    SESHAT_CHECK(write.start->first_index >= group.first_index);
    for (; group.first_index < write.start->first_index;
         group.first_index = group.first_index.Next()) {
      SESHAT_CHECK(!group.records.empty());
      group.records.pop_front();
    }
    group.snapshot_row = write.start->snapshot_row;
  }
  if (write.truncate_from) {
    const std::uint64_t first = group.first_index.value();
    SESHAT_CHECK(write.truncate_from->value() >= first);
    const std::size_t kept = write.truncate_from->value() - first;
    if (kept < group.records.size()) group.records.resize(kept);
  }
  for (const LogRecord& record : write.records) {
    SESHAT_CHECK(record.index.value() == group.first_index.value() + group.records.size());
    group.records.push_back(record.value);
  }
  if (write.state_row) group.state_row = write.state_row;
}

void SimDisk::ApplyTo(Image& image, const StateWrite& write) {
  auto& rows = image.at(write.group).rows;
  if (write.batch.clear_all_but_prefix) {
    std::erase_if(rows, [&](const auto& row) {
      return !row.first.starts_with(*write.batch.clear_all_but_prefix);
    });
  }
  for (const StateOp& op : write.batch.ops) {
    if (op.value) {
      rows[op.key] = *op.value;
    } else {
      rows.erase(op.key);
    }
  }
}

void SimDisk::ApplyTo(Image& image, const Operation& operation) {
  std::visit([&](const auto& write) { ApplyTo(image, write); }, operation);
}

void SimDisk::Append(Operation operation) {
  ApplyTo(current_, operation);
  unsynced_.push_back(std::move(operation));
}

void SimDisk::StartSync() {
  if (is_syncing_ || is_paused_ || queue_.empty()) return;
  is_syncing_ = true;
  if (next_sync_observer_) std::exchange(next_sync_observer_, nullptr)();
  std::vector<UniqueFunction<void()>> callbacks;
  for (QueuedWrite& queued : std::exchange(queue_, {})) {
    if (observer_) observer_(queued.write);
    Append(std::move(queued.write));
    callbacks.push_back(std::move(queued.on_durable));
  }
  scheduler_.After(scheduler_.Between(sync_low_, sync_high_),
                   [this, incarnation = incarnation_, operations = unsynced_.size(),
                    callbacks = std::move(callbacks)]() mutable {
                     if (incarnation != incarnation_) return;  // died with its process
                     if (failure_observer_) {
                       scheduler_.Note("sync fails", node_);
                       return std::exchange(failure_observer_, nullptr)();
                     }
                     FinishSync(operations, std::move(callbacks));
                   });
}

void SimDisk::FinishSync(std::size_t operations, std::vector<UniqueFunction<void()>> callbacks) {
  for (; operations > 0; --operations) {
    ApplyTo(durable_, unsynced_.front());
    unsynced_.pop_front();
  }
  is_syncing_ = false;
  scheduler_.Note("synced", node_, callbacks.size());
  for (auto& callback : callbacks) callback();
  StartSync();
}

void SimDisk::Crash(bool loses_unsynced) {
  ++incarnation_;
  is_syncing_ = false;
  is_paused_ = false;
  queue_.clear();
  std::size_t surviving = unsynced_.size();
  if (loses_unsynced) surviving = scheduler_.random().Below(surviving + 1);
  scheduler_.Note("lost writes", node_, unsynced_.size() - surviving);
  for (std::size_t i = 0; i < surviving; ++i) ApplyTo(durable_, unsynced_[i]);
  unsynced_.clear();
  current_ = durable_;
}

void SimDisk::SetPaused(bool is_paused) {
  is_paused_ = is_paused;
  StartSync();
}

void SimDisk::SetSyncLatency(Duration low, Duration high) {
  sync_low_ = low;
  sync_high_ = high;
}

}  // namespace seshat

#include "support/memory_state_store.h"

#include <utility>

namespace seshat {

class MemoryStateStore::MemoryView final : public StateView {
 public:
  MemoryView(const MemoryStateStore& store, std::shared_ptr<const Rows> rows)
      : store_(store), rows_(std::move(rows)) {}
  // Let go of under the lock, because Write decides by the count whether to copy.
  ~MemoryView() override {
    const MutexLock lock(store_.mutex_);
    rows_ = nullptr;
  }
  MemoryView(const MemoryView&) = delete;
  MemoryView& operator=(const MemoryView&) = delete;

  Result<Lookup> Get(std::string_view key, ReadTier tier) const override {
    const MutexLock lock(store_.mutex_);
    return store_.GetFrom(*rows_, key, tier);
  }

  Status Scan(std::string_view first, std::string_view end,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    {
      const MutexLock lock(store_.mutex_);
      if (store_.failure_.has_value()) return std::unexpected(*store_.failure_);
    }
    for (auto row = rows_->lower_bound(first); row != rows_->end() && row->first < end; ++row) {
      if (!visit(row->first, row->second)) break;
    }
    return {};
  }

 private:
  const MemoryStateStore& store_;
  std::shared_ptr<const Rows> rows_;
};

void MemoryStateStore::AddGroup(GroupId group) {
  const MutexLock lock(mutex_);
  groups_.try_emplace(group, std::make_shared<Rows>());
}

MemoryStateStore::Rows MemoryStateStore::Contents(GroupId group) const {
  const MutexLock lock(mutex_);
  const auto found = groups_.find(group);
  return found == groups_.end() ? Rows() : *found->second;
}

void MemoryStateStore::SetCold(bool cold) {
  const MutexLock lock(mutex_);
  cold_ = cold;
}

void MemoryStateStore::FailReads(std::optional<Error> error) {
  const MutexLock lock(mutex_);
  failure_ = std::move(error);
}

Result<Lookup> MemoryStateStore::Get(GroupId group, std::string_view key, ReadTier tier) const {
  const MutexLock lock(mutex_);
  const auto found = groups_.find(group);
  if (found == groups_.end()) return MakeError(ErrorCode::kNotFound, "no such group");
  return GetFrom(*found->second, key, tier);
}

Result<std::unique_ptr<StateView>> MemoryStateStore::View(GroupId group) const {
  const MutexLock lock(mutex_);
  const auto found = groups_.find(group);
  if (found == groups_.end()) return MakeError(ErrorCode::kNotFound, "no such group");
  return std::make_unique<MemoryView>(*this, found->second);
}

void MemoryStateStore::Write(GroupId group, StateBatch batch) {
  const MutexLock lock(mutex_);
  std::shared_ptr<Rows>& rows = groups_.try_emplace(group, std::make_shared<Rows>()).first->second;
  if (rows.use_count() > 1) rows = std::make_shared<Rows>(*rows);
  if (batch.clear_all_but_prefix.has_value()) {
    std::erase_if(*rows, [&](const auto& row) {
      return !row.first.starts_with(*batch.clear_all_but_prefix);
    });
  }
  for (StateOp& op : batch.ops) {
    if (op.value.has_value()) {
      rows->insert_or_assign(std::move(op.key), *std::move(op.value));
    } else {
      rows->erase(op.key);
    }
  }
}

Result<Lookup> MemoryStateStore::GetFrom(const Rows& rows, std::string_view key,
                                         ReadTier tier) const {
  if (failure_.has_value()) return std::unexpected(*failure_);
  if (cold_ && tier == ReadTier::kMemory) {
    return Lookup{.outcome = Lookup::Outcome::kWouldBlock, .value = {}};
  }
  const auto row = rows.find(key);
  if (row == rows.end()) return Lookup{};
  return Lookup{.outcome = Lookup::Outcome::kFound, .value = row->second};
}

}  // namespace seshat

#include "snapshots.h"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "seshat/base/check.h"

namespace seshat {
namespace {

constexpr std::size_t kKeptMax = 2;

class SimSnapshot : public Snapshot {
 public:
  SimSnapshot(UnixMillis created_at, std::map<GroupId, std::shared_ptr<const Rows>> rows)
      : created_at_(created_at), rows_(std::move(rows)) {}

  const std::string& name() const override { return name_; }
  UnixMillis created_at() const override { return created_at_; }
  std::uint64_t size_bytes() const override { return 0; }
  const std::vector<GroupSnapshot>& groups() const override { return groups_; }
  Result<std::unique_ptr<StateView>> View(GroupId group) const override {
    const auto it = rows_.find(group);
    if (it == rows_.end()) return MakeError(ErrorCode::kNotFound, "no such group");
    return std::make_unique<RowsView>(it->second);
  }

  void Describe(std::string name, std::vector<GroupSnapshot> groups) {
    name_ = std::move(name);
    groups_ = std::move(groups);
  }

 private:
  const UnixMillis created_at_;
  const std::map<GroupId, std::shared_ptr<const Rows>> rows_;
  std::string name_;
  std::vector<GroupSnapshot> groups_;
};

std::unexpected<Error> Full() {
  return MakeError(ErrorCode::kResourceExhausted, "the disk is full");
}

}  // namespace

Status SimIncomingState::Add(std::string_view key, std::string_view value) {
  if (!rows_.empty() && key <= rows_.rbegin()->first) {
    return MakeError(ErrorCode::kInvalidArgument, "rows out of order");
  }
  rows_.emplace_hint(rows_.end(), key, value);
  size_bytes_ += key.size() + value.size();
  return {};
}

Status SimIncomingState::Finish() {
  if (runs_full_) return Full();
  return {};
}

bool SimSnapshots::IsFull() {
  return full_one_in_ > 0 && scheduler_.random().Chance(1, full_one_in_);
}

Result<std::shared_ptr<Snapshot>> SimSnapshots::Take(UnixMillis now) {
  if (IsFull()) return Full();
  std::map<GroupId, std::shared_ptr<const Rows>> rows;
  for (const GroupId group : disk_.Groups()) rows[group] = disk_.CopyRows(group);
  return std::make_shared<SimSnapshot>(now, std::move(rows));
}

Result<std::shared_ptr<const Snapshot>> SimSnapshots::Keep(std::shared_ptr<Snapshot> taken,
                                                           LogIndex index,
                                                           std::vector<GroupSnapshot> groups) {
  if (IsFull()) return Full();
  auto* const snapshot = dynamic_cast<SimSnapshot*>(taken.get());
  SESHAT_CHECK(snapshot != nullptr);
  snapshot->Describe(fmt::format("snapshot-{}", index.value()), std::move(groups));
  kept_.insert(kept_.begin(), std::move(taken));
  if (kept_.size() > kKeptMax) kept_.pop_back();
  return kept_.front();
}

Result<std::unique_ptr<IncomingState>> SimSnapshots::BeginIncoming(GroupId) {
  if (IsFull()) return Full();
  return std::make_unique<SimIncomingState>(IsFull());
}

}  // namespace seshat

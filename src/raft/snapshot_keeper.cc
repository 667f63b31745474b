#include "seshat/raft/snapshot_keeper.h"

#include <algorithm>
#include <utility>

#include "seshat/base/seeded_bug.h"
#include "state_codec.h"

namespace seshat {

SnapshotKeeper::SnapshotKeeper(const SnapshotPolicy& policy, const SnapshotKeeperPorts& ports)
    : policy_(policy), ports_(ports), last_begun_at_(ports.clock->Now()) {
  const auto kept = ports_.store->Kept();
  if (kept.empty()) return;
  status_.last_kept_at = kept.front()->created_at();
  status_.last_name = kept.front()->name();
  status_.last_size_bytes = kept.front()->size_bytes();
}

SnapshotKeeper::~SnapshotKeeper() = default;

void SnapshotKeeper::Introduce(GroupId group, GroupDriver& driver) const {
  const auto kept = ports_.store->Kept();
  if (kept.empty()) return;
  for (const GroupSnapshot& held : kept.front()->groups()) {
    if (held.group != group) continue;
    Result<SnapshotDescriptor> snapshot = DecodeSnapshotMetadata(held.metadata);
    if (snapshot) driver.OnSnapshotKept(*std::move(snapshot));
  }
}

void SnapshotKeeper::Start() {
  ports_.worker->PostAt(ports_.clock->Now() + policy_.check_interval, [this] { Check(); });
}

void SnapshotKeeper::Stop() {
  const MutexLock lock(mutex_);
  is_stopped_ = true;
}

bool SnapshotKeeper::is_stopped() const {
  const MutexLock lock(mutex_);
  return is_stopped_;
}

SnapshotKeeperStatus SnapshotKeeper::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

bool SnapshotKeeper::TakeNow(Done done) {
  if (!Claim()) {
    done(MakeError(ErrorCode::kFailedPrecondition, "a snapshot is being taken already"));
    return false;
  }
  ports_.worker->Post([this, done = std::move(done)]() mutable { Take(std::move(done)); });
  return true;
}

bool SnapshotKeeper::Claim() {
  const MutexLock lock(mutex_);
  if (status_.is_taking) return false;
  status_.is_taking = true;
  status_.taking_since = ports_.clock->Now();
  return true;
}

void SnapshotKeeper::Check() {
  if (is_stopped()) return;
  if (IsDue(ports_.clock->Now()) && Claim()) Take([](const Status&) {});
  Start();
}

bool SnapshotKeeper::IsDue(MonotonicTime now) const {
  if (now < not_before_) return false;
  const auto groups = ports_.groups->All();
  return std::ranges::any_of(groups, [&](const auto& each) {
    const GroupStatus status = each.second->GetStatus();
    if (status.core.needs_snapshot) return true;
    if (status.log_bytes_since_snapshot >= policy_.log_bytes) return true;
    return status.entries_since_snapshot >= policy_.entries &&
           now >= last_begun_at_ + policy_.interval;
  });
}

void SnapshotKeeper::Take(Done done) {
  if (is_stopped()) {
    {
      const MutexLock lock(mutex_);
      status_.is_taking = false;
    }
    return done(MakeError(ErrorCode::kCancelled, "the node is stopping"));
  }
  auto taking = std::make_shared<Taking>();
  taking->done = std::move(done);
  taking->begun_at = ports_.clock->Now();
  last_begun_at_ = taking->begun_at;
  // Before the picture: a group that comes meanwhile is in it, but nobody asks for it.
  for (const auto& each : ports_.groups->All()) taking->groups.push_back(each.first);
  if (ports_.may_take) {
    if (Status may = ports_.may_take(); !may) return Finish(*taking, may, nullptr);
  }
  Result<std::shared_ptr<Snapshot>> snapshot = ports_.store->Take(ports_.clock->WallNow());
  if (!snapshot) return Finish(*taking, std::unexpected(std::move(snapshot).error()), nullptr);
  taking->snapshot = *std::move(snapshot);
  DescribeNext(taking);
}

// What each group's picture holds is read from the picture; what the log says of that place, the
// group knows.
void SnapshotKeeper::DescribeNext(const std::shared_ptr<Taking>& taking) {
  if (taking->next == taking->groups.size()) return Keep(taking);
  const GroupId group = taking->groups[taking->next++];
  const std::shared_ptr<GroupDriver> driver = ports_.groups->Find(group);
  if (driver == nullptr) return DescribeNext(taking);
  const Result<std::unique_ptr<StateView>> view = taking->snapshot->View(group);
  // A group whose families are made this moment is in the next one.
  if (!view && view.error().code() == ErrorCode::kNotFound) return DescribeNext(taking);
  if (!view) return Finish(*taking, std::unexpected(view.error()), nullptr);
  const Result<StateFacts> facts = driver->Describe(**view);
  if (!facts) return Finish(*taking, std::unexpected(facts.error()), nullptr);
  driver->DescribeAt(facts->index, [this, taking, group,
                                    facts = *facts](std::optional<SnapshotDescriptor> described) {
    ports_.worker->Post([this, taking, group, facts, described = std::move(described)]() mutable {
      // Else: overtaken by a snapshot that came in. Nothing applied yet, or no voters known: of no
      // use to anybody.
      const bool is_useful = described && described->index > LogIndex{} &&
                             described->term == facts.term &&
                             !described->configuration.voters.empty();
      if (is_useful) {
        described->key_count = facts.key_count;
        described->digest = facts.digest;
        described->size_bytes = taking->snapshot->size_bytes();
        taking->described.emplace_back(group, *std::move(described));
      }
      DescribeNext(taking);
    });
  });
}

void SnapshotKeeper::Keep(const std::shared_ptr<Taking>& taking) {
  if (taking->described.empty()) {
    return Finish(*taking, MakeError(ErrorCode::kFailedPrecondition, "nothing is applied yet"),
                  nullptr);
  }
  LogIndex highest;
  std::vector<GroupSnapshot> groups;
  for (const auto& [group, snapshot] : taking->described) {
    highest = std::max(highest, snapshot.index);
    groups.push_back(
        {.group = group,
         .metadata = EncodeSnapshotMetadata(snapshot, taking->snapshot->created_at())});
  }
  Result<std::shared_ptr<const Snapshot>> kept =
      ports_.store->Keep(std::move(taking->snapshot), highest, std::move(groups));
  if (!kept) return Finish(*taking, std::unexpected(std::move(kept).error()), nullptr);
  for (auto& [group, snapshot] : taking->described) {
    if (const auto driver = ports_.groups->Find(group)) driver->OnSnapshotKept(std::move(snapshot));
  }
  Finish(*taking, {}, *std::move(kept));
}

void SnapshotKeeper::Finish(Taking& taking, const Status& status,
                            std::shared_ptr<const Snapshot> kept) {
  const MonotonicTime now = ports_.clock->Now();
  not_before_ = now + (status ? Duration(0) : policy_.retry_delay);
  {
    const MutexLock lock(mutex_);
    status_.is_taking = false;
    status_.has_last_failed = !status.has_value();
    status_.last_took = now - taking.begun_at;
    if (status) {
      status_.last_kept_at = ports_.clock->WallNow();
      status_.last_name = kept->name();
      status_.last_size_bytes = kept->size_bytes();
      ++status_.taken;
    }
  }
  taking.snapshot.reset();
  if (ports_.on_taken) {
    ports_.on_taken(status, kept == nullptr ? "" : kept->name(), now - taking.begun_at);
  }
  taking.done(status);
}

}  // namespace seshat

#include "rocks_snapshot_store.h"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "checkpoint.h"
#include "posix_file.h"
#include "rocks_incoming_state.h"
#include "seshat/base/check.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kKeptMax = 2;

// One for a folder that is not there yet: two snapshots of one second and index differ in it.
fs::path FreeName(const fs::path& folder, UnixMillis at, LogIndex index) {
  for (auto seconds = static_cast<std::time_t>(at.value / 1000);; ++seconds) {
    fs::path path = folder / fmt::format("{}{:%Y%m%d-%H%M%S}-{}", kKeptSnapshotPrefix,
                                         fmt::gmtime(seconds), index.value());
    std::error_code unknown;
    if (!fs::exists(path, unknown) && !unknown) return path;
    if (unknown) return path;  // the rename will say why
  }
}

Status LinkAll(const fs::path& from, const fs::path& to) {
  Result<std::vector<std::string>> names = ListFolder(from);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    if (Status linked = LinkFile(from / name, to / name); !linked) return linked;
  }
  return {};
}

// Calls `visit` with the facts of each file below the folder. Files come and go meanwhile.
template <typename Visitor>
void VisitFiles(const fs::path& folder, const Visitor& visit) {
  std::error_code ignored;
  for (fs::recursive_directory_iterator it(folder, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    struct stat facts{};
    if (::stat(it->path().c_str(), &facts) == 0 && S_ISREG(facts.st_mode)) visit(facts);
  }
}

}  // namespace

RocksSnapshotStore::RocksSnapshotStore(const StorageOptions& options, Database& database,
                                       Gauges gauges)
    : snapshots_dir_(options.data_dir / "snapshots"),
      incoming_dir_(options.data_dir / "incoming"),
      database_(database),
      gauges_(gauges) {}

Result<std::unique_ptr<RocksSnapshotStore>> RocksSnapshotStore::Open(const StorageOptions& options,
                                                                     Database& database,
                                                                     Metrics& metrics,
                                                                     const MetricLabels& labels,
                                                                     OpenReport& report) {
  const Gauges gauges{
      .seconds = metrics.GetHistogram("storage_snapshot_duration_seconds",
                                      "How long it took to take a snapshot, or to keep one.",
                                      labels, {0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60}),
      .size = metrics.GetGauge("storage_snapshot_size_bytes",
                               "Bytes in the files of the newest snapshot.", labels),
      .count = metrics.GetGauge("storage_snapshots", "Snapshots that are kept.", labels),
      .pinned = metrics.GetGauge(
          "storage_snapshot_pinned_bytes",
          "Bytes in files of snapshots that the database does not use any more.", labels),
      .incoming = metrics.GetGauge("storage_incoming_bytes",
                                   "Bytes of state on its way in from other nodes.", labels)};
  std::unique_ptr<RocksSnapshotStore> store(new RocksSnapshotStore(options, database, gauges));
  Status done = MakeFolder(store->snapshots_dir_);
  if (done) done = MakeFolder(store->incoming_dir_);
  if (done) done = store->RemoveLeftovers();
  if (done) done = store->FindKept(report);
  if (!done) return std::unexpected(done.error());
  return store;
}

Status RocksSnapshotStore::RemoveLeftovers() {
  Result<std::vector<std::string>> names = ListFolder(snapshots_dir_);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    if (!name.ends_with(kPartialSuffix)) continue;
    if (Status removed = RemoveFolder(snapshots_dir_ / name); !removed) return removed;
  }
  names = ListFolder(incoming_dir_);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    if (Status removed = RemoveFolder(incoming_dir_ / name); !removed) return removed;
  }
  return {};
}

Status RocksSnapshotStore::FindKept(OpenReport& report) {
  Result<std::vector<KeptFolder>> found =
      ListKeptSnapshots(snapshots_dir_, report.unusable_snapshots);
  if (!found) return std::unexpected(found.error());
  for (KeptFolder& kept : *found) {
    {
      const MutexLock lock(work_mutex_);
      last_number_ = kept.metadata.number;
    }
    auto folder = std::make_shared<SnapshotFolder>(std::move(kept.path), /*is_kept=*/true);
    Add(std::make_shared<RocksSnapshot>(database_.options(), &database_.stop(), std::move(folder),
                                        std::move(kept.metadata)));
  }
  return {};
}

fs::path RocksSnapshotStore::NewPartialPath() {
  const MutexLock lock(mutex_);
  return snapshots_dir_ / fmt::format("{}{}", ++folders_made_, kPartialSuffix);
}

Result<std::shared_ptr<Snapshot>> RocksSnapshotStore::Take(UnixMillis now) {
  const MutexLock one_at_a_time(work_mutex_);
  const auto start = std::chrono::steady_clock::now();
  auto folder = std::make_shared<SnapshotFolder>(NewPartialPath());
  Result<Checkpoint> checkpoint = MakeCheckpoint(database_, folder->path());
  if (!checkpoint) return std::unexpected(checkpoint.error());
  Result<std::uint32_t> checksum = ManifestChecksum(folder->path());
  if (!checksum) return std::unexpected(checksum.error());
  KeptMetadata metadata{.created_at = now,
                        .size_bytes = checkpoint->size_bytes,
                        .number = 0,
                        .groups = {},
                        .manifest_crc32c = *checksum};
  for (const GroupId group : checkpoint->groups) {
    metadata.groups.push_back({.group = group, .metadata = {}});
  }
  gauges_.seconds.Observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return std::make_shared<RocksSnapshot>(database_.options(), &database_.stop(), std::move(folder),
                                         std::move(metadata));
}

Result<std::shared_ptr<const Snapshot>> RocksSnapshotStore::Keep(
    std::shared_ptr<Snapshot> taken, LogIndex index, std::vector<GroupSnapshot> groups) {
  const MutexLock one_at_a_time(work_mutex_);
  const auto start = std::chrono::steady_clock::now();
  SESHAT_CHECK(taken->name().ends_with(kPartialSuffix));  // not kept yet
  SESHAT_CHECK(std::ranges::is_sorted(groups, std::ranges::less_equal(), &GroupSnapshot::group) ||
               groups.size() < 2);
  for (const GroupSnapshot& group : groups) {
    SESHAT_CHECK(
        std::ranges::binary_search(taken->groups(), group.group, {}, &GroupSnapshot::group));
  }
  // No other kind of snapshot is made here.
  const auto& source = static_cast<const RocksSnapshot&>(*taken);
  // A folder of its own: somebody may have the other one open by its name.
  auto folder = std::make_shared<SnapshotFolder>(NewPartialPath());
  KeptMetadata metadata = source.metadata();
  metadata.number = last_number_ + 1;
  metadata.groups = std::move(groups);
  Status done = MakeFolder(folder->path());
  if (done) done = LinkAll(source.folder().path(), folder->path());
  if (done) done = WriteSnapshotMetadata(folder->path(), metadata);
  if (done) done = folder->Rename(FreeName(snapshots_dir_, taken->created_at(), index));
  if (!done) return std::unexpected(done.error());
  folder->Keep();
  last_number_ = metadata.number;
  auto snapshot = std::make_shared<RocksSnapshot>(database_.options(), &database_.stop(),
                                                  std::move(folder), std::move(metadata));
  Add(snapshot);
  gauges_.seconds.Observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return snapshot;
}

void RocksSnapshotStore::Add(std::shared_ptr<RocksSnapshot> snapshot) {
  gauges_.size.Set(static_cast<double>(snapshot->size_bytes()));
  std::vector<std::shared_ptr<RocksSnapshot>> superseded;  // may remove files: outside the lock
  const MutexLock lock(mutex_);
  kept_.insert(kept_.begin(), std::move(snapshot));
  while (kept_.size() > kKeptMax) {
    kept_.back()->folder().LetGo();
    superseded.push_back(std::move(kept_.back()));
    kept_.pop_back();
  }
  gauges_.count.Set(static_cast<double>(kept_.size()));
}

std::vector<std::shared_ptr<const Snapshot>> RocksSnapshotStore::Kept() const {
  const MutexLock lock(mutex_);
  return {kept_.begin(), kept_.end()};
}

Result<std::unique_ptr<IncomingState>> RocksSnapshotStore::BeginIncoming(GroupId group) {
  SESHAT_CHECK_MSG(database_.Find(group) != nullptr, "state for an unknown group");
  fs::path folder;
  {
    const MutexLock lock(mutex_);
    folder = incoming_dir_ / fmt::format("{}-{}", group.value(), ++folders_made_);
  }
  if (Status made = MakeFolder(folder); !made) return std::unexpected(made.error());
  return std::make_unique<RocksIncomingState>(database_, group, std::move(folder));
}

void RocksSnapshotStore::RefreshMetrics() {
  std::set<ino_t> seen;
  VisitFiles(database_.path(), [&](const struct stat& facts) { seen.insert(facts.st_ino); });
  std::uint64_t pinned = 0;
  VisitFiles(snapshots_dir_, [&](const struct stat& facts) {
    if (seen.insert(facts.st_ino).second) pinned += static_cast<std::uint64_t>(facts.st_size);
  });
  gauges_.pinned.Set(static_cast<double>(pinned));
  std::uint64_t incoming = 0;
  VisitFiles(incoming_dir_, [&](const struct stat& facts) {
    incoming += static_cast<std::uint64_t>(facts.st_size);
  });
  gauges_.incoming.Set(static_cast<double>(incoming));
}

}  // namespace seshat

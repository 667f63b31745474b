#include "checkpoint.h"

#include <fmt/core.h>
#include <rocksdb/metadata.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "family_names.h"
#include "posix_file.h"
#include "rocks_status.h"
#include "seshat/base/mutex.h"

namespace seshat {
namespace {

using Families = std::vector<std::shared_ptr<const Family>>;

// RocksDB removes no file while this lives.
// Threads: owned by its user.
class FileDeletionPause {
 public:
  explicit FileDeletionPause(rocksdb::DB& rocks) : rocks_(rocks) {
    status_ = rocks_.DisableFileDeletions();
  }
  ~FileDeletionPause() {
    if (status_.ok()) rocks_.EnableFileDeletions(/*force=*/false).PermitUncheckedError();
  }
  FileDeletionPause(const FileDeletionPause&) = delete;
  FileDeletionPause& operator=(const FileDeletionPause&) = delete;

  const rocksdb::Status& status() const { return status_; }

 private:
  rocksdb::DB& rocks_;
  rocksdb::Status status_;
};

Status Flush(Database& database, rocksdb::ColumnFamilyHandle* family) {
  if (database.stop().stopped()) return MakeError(ErrorCode::kIo, "the node is stopping");
  const rocksdb::Status flushed = database.rocks().Flush(rocksdb::FlushOptions(), family);
  if (flushed.ok() || flushed.IsColumnFamilyDropped()) return {};
  return std::unexpected(ErrorFrom(flushed, "cannot flush " + family->GetName()));
}

// Those of `groups`, but for `done`.
Status FlushState(Database& database, const std::vector<GroupId>& groups, Families& done) {
  for (const GroupId group : groups) {
    const std::shared_ptr<const Family> family = database.Find(group)->family(FamilyKind::kKv);
    if (std::ranges::find(done, family) != done.end()) continue;
    if (Status flushed = Flush(database, family->handle()); !flushed) return flushed;
    done.push_back(family);
  }
  return {};
}

struct Listing {
  std::vector<GroupId> groups;
  std::vector<rocksdb::LiveFileStorageInfo> files;
};

// The files in which the family map agrees with the families, and nothing that counts is missing.
Result<Listing> ListFlushed(Database& database) {
  Families flushed;
  if (Status done = FlushState(database, database.Groups(), flushed); !done) {
    return std::unexpected(done.error());
  }
  // No family is replaced from here on. What was meanwhile is small, or came in as table files.
  const MutexLock changes(database.family_changes());
  Listing listing{.groups = database.Groups(), .files = {}};
  Status done = FlushState(database, listing.groups, flushed);
  if (done) done = Flush(database, database.default_family());
  if (!done) return std::unexpected(done.error());
  rocksdb::LiveFilesStorageInfoOptions options;
  options.wal_size_for_flush = std::numeric_limits<std::uint64_t>::max();  // no further flush
  const rocksdb::Status listed = database.rocks().GetLiveFilesStorageInfo(options, &listing.files);
  if (!listed.ok()) return std::unexpected(ErrorFrom(listed, "cannot list the database's files"));
  return listing;
}

// Names of table files of logs and of their rows. Nobody reads those of a snapshot, and held they
// would keep on the disk what was cut off the logs since.
std::unordered_set<std::string> LogTables(rocksdb::DB& rocks) {
  std::vector<rocksdb::LiveFileMetaData> tables;
  rocks.GetLiveFilesMetaData(&tables);
  std::unordered_set<std::string> names;
  for (const rocksdb::LiveFileMetaData& table : tables) {
    const std::optional<FamilyRole> role = RoleOfPhysicalFamily(table.column_family_name);
    if (role && role->kind != FamilyKind::kKv) names.insert(table.relative_filename);
  }
  return names;
}

bool Belongs(const rocksdb::LiveFileStorageInfo& file,
             const std::unordered_set<std::string>& log_tables) {
  return file.file_type == rocksdb::kDescriptorFile || file.file_type == rocksdb::kCurrentFile ||
         (file.file_type == rocksdb::kTableFile && !log_tables.contains(file.relative_filename));
}

Status Put(const rocksdb::LiveFileStorageInfo& file, const std::filesystem::path& folder) {
  const std::filesystem::path from = std::filesystem::path(file.directory) / file.relative_filename;
  const std::filesystem::path to = folder / file.relative_filename;
  if (!file.replacement_contents.empty()) return WriteFileSynced(to, file.replacement_contents);
  // The manifest goes on growing; a table file never changes, and was synced when it was made.
  return file.trim_to_size ? CopyFileSynced(from, to, file.size) : LinkFile(from, to);
}

}  // namespace

Result<Checkpoint> MakeCheckpoint(Database& database, const std::filesystem::path& folder) {
  const FileDeletionPause pause(database.rocks());
  if (!pause.status().ok()) {
    return std::unexpected(ErrorFrom(pause.status(), "cannot keep the database's files"));
  }
  Result<Listing> listing = ListFlushed(database);
  if (!listing) return std::unexpected(listing.error());
  if (Status made = MakeFolder(folder); !made) return std::unexpected(made.error());
  Checkpoint checkpoint{.groups = std::move(listing->groups), .size_bytes = 0};
  // One that went since it was listed is held all the same, and does no harm.
  const std::unordered_set<std::string> log_tables = LogTables(database.rocks());
  for (const rocksdb::LiveFileStorageInfo& file : listing->files) {
    if (!Belongs(file, log_tables)) continue;
    if (Status put = Put(file, folder); !put) return std::unexpected(put.error());
    checkpoint.size_bytes += file.size;
  }
  return checkpoint;
}

}  // namespace seshat

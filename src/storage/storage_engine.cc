#include "seshat/storage/storage_engine.h"

#include <fmt/core.h>
#include <rocksdb/write_batch.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "database.h"
#include "directory_lock.h"
#include "log_writer.h"
#include "manifest_check.h"
#include "new_beginning.h"
#include "posix_file.h"
#include "rocks_log_store.h"
#include "rocks_snapshot_store.h"
#include "rocks_state_store.h"
#include "rocks_status.h"
#include "seshat/base/check.h"
#include "seshat/base/mutex.h"
#include "seshat/v1/storage.pb.h"
#include "stop_switch.h"
#include "wal_check.h"
#include "wal_record.h"

namespace seshat {
namespace {

constexpr std::uint32_t kKnownPeerVersion = 1;

std::string PeerKey(NodeId peer) {
  return fmt::format("{}{}", kPeerRowPrefix, peer.value());
}

Result<struct statvfs> FileSystemOf(const std::filesystem::path& path) {
  struct statvfs facts{};
  if (::statvfs(path.c_str(), &facts) != 0) return SystemError("cannot ask for free space", path);
  return facts;
}

std::uint64_t SizeOf(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code ignored;  // RocksDB removes files while we look
  for (std::filesystem::directory_iterator it(folder, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    std::error_code gone;
    const std::uint64_t size = it->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace

// Threads: thread-safe, as StorageEngine.
class StorageEngine::Impl {
 public:
  Impl(StorageOptions storage_options, FatalHandler& fatal, Metrics& node_metrics, NodeId node)
      : options(std::move(storage_options)),
        metrics(node_metrics),
        rocksdb_dir(options.data_dir / "rocksdb"),
        labels{{"node_id", fmt::format("{}", node.value())}},
        db_size(node_metrics.GetGauge("storage_db_size_bytes",
                                      "Bytes in the folder of the node's database.", labels)),
        disk_free(node_metrics.GetGauge("storage_disk_free_bytes",
                                        "Free bytes on the data directory's file system.", labels)),
        sync_seconds(node_metrics.GetHistogram(
            "storage_wal_sync_seconds", "How long a sync of the write-ahead log took.", labels,
            {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5})),
        stop(fatal) {}

  Status Start() {
    if (Status made = MakeFolder(rocksdb_dir); !made) return made;
    Result<DirectoryLock> taken = DirectoryLock::Take(options.data_dir);
    if (!taken) return std::unexpected(taken.error());
    lock.emplace(*std::move(taken));
    const std::filesystem::path torn_dir = options.data_dir / "rocksdb-torn-tail";
    Result<std::optional<TornTail>> torn = CheckManifest(rocksdb_dir, torn_dir);
    if (!torn) return std::unexpected(torn.error());
    report.torn_manifest = *std::move(torn);
    torn = CheckWal(rocksdb_dir, torn_dir);
    if (!torn) return std::unexpected(torn.error());
    report.torn_tail = *std::move(torn);
    Result<std::unique_ptr<Database>> opened = Database::Open(options, rocksdb_dir, stop, report);
    if (!opened) return std::unexpected(opened.error());
    database = *std::move(opened);
    std::string identity;
    const rocksdb::Status known = database->rocks().GetDbIdentity(identity);
    if (!known.ok()) return std::unexpected(ErrorFrom(known, "cannot read the identity"));

    writer = std::make_unique<LogWriter>(options, *database, sync_seconds, MarkKeyOf(identity));
    log = std::make_unique<RocksLogStore>(*database, *writer);
    state = std::make_unique<RocksStateStore>(*database, *writer);
    if (Status added = log->AddGroupsToWriter(); !added) return added;
    Result<std::unique_ptr<RocksSnapshotStore>> found =
        RocksSnapshotStore::Open(options, *database, metrics, labels, report);
    if (!found) return std::unexpected(found.error());
    snapshots = *std::move(found);
    return writer->Start();
  }

  Status PutPeer(const std::string& key, std::string_view store_id) {
    v1::KnownPeer row;
    row.set_version(kKnownPeerVersion);
    row.set_store_id(std::string(store_id));
    rocksdb::WriteBatch batch;
    SESHAT_CHECK(batch.Put(database->default_family(), key, row.SerializeAsString()).ok());
    if (database->Write(batch, "cannot remember a peer") && database->Sync()) {
      writer->RecordSync();
      return {};
    }
    return MakeError(ErrorCode::kIo, "cannot write the row " + key);
  }

  const StorageOptions options;
  Metrics& metrics;
  const std::filesystem::path rocksdb_dir;
  const MetricLabels labels;
  Gauge& db_size;
  Gauge& disk_free;
  Histogram& sync_seconds;
  OpenReport report;

  // In the order of dependence: each uses those above it.
  StopSwitch stop;
  std::optional<DirectoryLock> lock;
  std::unique_ptr<Database> database;
  std::unique_ptr<LogWriter> writer;
  std::unique_ptr<RocksLogStore> log;
  std::unique_ptr<RocksStateStore> state;
  std::unique_ptr<RocksSnapshotStore> snapshots;

  Mutex peers_mutex;  // two first handshakes of one peer must not both be the first
};

StorageEngine::StorageEngine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

StorageEngine::~StorageEngine() {
  Stop();
  impl_->writer->RecordLastSteps();
}

Result<std::unique_ptr<StorageEngine>> StorageEngine::Open(const StorageOptions& options,
                                                           FatalHandler& fatal, Metrics& metrics,
                                                           NodeId node) {
  auto impl = std::make_unique<Impl>(options, fatal, metrics, node);
  if (Status started = impl->Start(); !started) return std::unexpected(started.error());
  std::unique_ptr<StorageEngine> engine(new StorageEngine(std::move(impl)));
  engine->RefreshMetrics();
  return engine;
}

LogStore& StorageEngine::log() {
  return *impl_->log;
}

StateStore& StorageEngine::state() {
  return *impl_->state;
}

SnapshotStore& StorageEngine::snapshots() {
  return *impl_->snapshots;
}

const OpenReport& StorageEngine::open_report() const {
  return impl_->report;
}

Result<std::string> StorageEngine::RememberPeer(NodeId peer, std::string_view store_id) {
  const std::string key = PeerKey(peer);
  const MutexLock lock(impl_->peers_mutex);
  Result<std::optional<std::string>> row =
      impl_->database->ReadRow(impl_->database->default_family(), key);
  if (!row) return std::unexpected(row.error());
  if (!row->has_value()) {
    if (Status put = impl_->PutPeer(key, store_id); !put) return std::unexpected(put.error());
    return std::string(store_id);
  }
  v1::KnownPeer known;
  if (!known.ParseFromString(**row) || known.version() == 0 ||
      known.version() > kKnownPeerVersion) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("{}: the row {} does not decode or is newer than version {}",
                                 impl_->rocksdb_dir.string(), key, kKnownPeerVersion));
  }
  return known.store_id();
}

Status StorageEngine::ReplacePeer(NodeId peer, std::string_view store_id) {
  const MutexLock lock(impl_->peers_mutex);
  return impl_->PutPeer(PeerKey(peer), store_id);
}

Status StorageEngine::BeginAnew(const std::vector<NewBeginning>& groups) {
  const MutexLock lock(impl_->peers_mutex);
  return WriteNewBeginnings(*impl_->database, *impl_->writer, groups);
}

Result<DiskSpace> StorageEngine::MeasureDisk() const {
  Result<struct statvfs> facts = FileSystemOf(impl_->options.data_dir);
  if (!facts) return std::unexpected(facts.error());
  const DiskSpace space{.free_bytes = std::uint64_t{facts->f_bavail} * facts->f_frsize,
                        .total_bytes = std::uint64_t{facts->f_blocks} * facts->f_frsize};
  impl_->disk_free.Set(static_cast<double>(space.free_bytes));
  return space;
}

void StorageEngine::RefreshMetrics() {
  impl_->db_size.Set(static_cast<double>(SizeOf(impl_->rocksdb_dir)));
  impl_->snapshots->RefreshMetrics();
}

void StorageEngine::Stop() {
  impl_->writer->Stop();
}

}  // namespace seshat

#include "rocks_incoming_state.h"

#include <fmt/core.h>

#include <tuple>
#include <utility>

#include "posix_file.h"
#include "rocks_status.h"
#include "seshat/base/check.h"

namespace seshat {
namespace {

constexpr std::uint64_t kFileBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kWrittenAtATime = std::uint64_t{256} << 10;

rocksdb::Options WriterOptions(const Database& database) {
  rocksdb::Options options(database.options().db(), database.options().ForKind(FamilyKind::kKv));
  options.listeners.clear();  // a full disk here does not stop the node
  // Gigabytes come in while the log goes on being synced on the same disk: never let more than two
  // of these wait there before such a sync.
  options.bytes_per_sync = kWrittenAtATime;
  options.strict_bytes_per_sync = true;
  return options;
}

}  // namespace

RocksIncomingState::RocksIncomingState(Database& database, GroupId group,
                                       std::filesystem::path folder)
    : database_(database),
      group_(group),
      folder_(std::move(folder)),
      writer_(rocksdb::EnvOptions(WriterOptions(database)), WriterOptions(database)) {}

RocksIncomingState::~RocksIncomingState() {
  // Once the node is stopping nothing is certain about the manifest: the next start cleans up.
  if (database_.stop().stopped()) return;
  for (const std::shared_ptr<const Family>& family : {kv_, log_}) {
    if (family != nullptr) database_.Drop(*family);
  }
  std::error_code ignored;
  if (std::filesystem::exists(folder_, ignored)) {
    // What cannot be removed now goes at the next start.
    std::ignore = RemoveFolder(folder_);
  }
}

Status RocksIncomingState::Add(std::string_view key, std::string_view value) {
  SESHAT_CHECK_MSG(kv_ == nullptr, "an Add after Finish");
  if (failure_) return std::unexpected(*failure_);
  if (last_key_ && key <= *last_key_) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("a key of the state of group {} does not follow on the one before",
                                 group_.value()));
  }
  if (!file_is_open_) {
    if (Status opened = OpenFile(); !opened) return opened;
  }
  const rocksdb::Status put = writer_.Put(key, value);
  if (!put.ok()) return Fail(ErrorFrom(put, "cannot write " + files_.back()));
  last_key_ = key;
  size_bytes_ += key.size() + value.size();
  return writer_.FileSize() < kFileBytes ? Status() : CloseFile();
}

Status RocksIncomingState::OpenFile() {
  files_.push_back(folder_ / fmt::format("{:06}.sst", files_.size() + 1));
  const rocksdb::Status opened = writer_.Open(files_.back());
  if (!opened.ok()) return Fail(ErrorFrom(opened, "cannot create " + files_.back()));
  file_is_open_ = true;
  return {};
}

Status RocksIncomingState::CloseFile() {
  file_is_open_ = false;
  const rocksdb::Status closed = writer_.Finish();  // and syncs
  if (!closed.ok()) return Fail(ErrorFrom(closed, "cannot finish " + files_.back()));
  return {};
}

Status RocksIncomingState::Finish() {
  SESHAT_CHECK_MSG(kv_ == nullptr, "Finish is called once");
  if (failure_) return std::unexpected(*failure_);
  if (file_is_open_) {
    if (Status closed = CloseFile(); !closed) return closed;
  }
  for (const FamilyKind kind : {FamilyKind::kKv, FamilyKind::kLog}) {
    Result<std::shared_ptr<const Family>> made =
        database_.MakeNextGeneration({.group = group_, .kind = kind});
    if (!made) return Fail(made.error());
    (kind == FamilyKind::kKv ? kv_ : log_) = *std::move(made);
  }
  if (!files_.empty()) {
    if (Status ingested = Ingest(); !ingested) return ingested;
  }
  // The files lie in the database by now.
  if (Status removed = RemoveFolder(folder_); !removed) return Fail(removed.error());
  return {};
}

Status RocksIncomingState::Ingest() {
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  // Nobody can have a snapshot of a family that is new. With it, the ingestion would use up a
  // sequence number, and leave a hole in the log (ADR 0006).
  options.snapshot_consistency = false;
  options.allow_blocking_flush = false;
  const rocksdb::Status ingested =
      database_.rocks().IngestExternalFile(kv_->handle(), files_, options);
  if (!ingested.ok()) return Fail(ErrorFrom(ingested, "cannot take in " + folder_.string()));
  return {};
}

Status RocksIncomingState::Fail(Error error) {
  failure_ = std::move(error);
  return std::unexpected(*failure_);
}

std::shared_ptr<const GroupFamilies> RocksIncomingState::Install(const GroupFamilies& current) {
  SESHAT_CHECK_MSG(kv_ != nullptr && log_ != nullptr && !failure_, "a state that is not finished");
  SESHAT_CHECK_MSG(current.group == group_, "the state of another group");
  const auto with_kv = Database::WithFamily(current, FamilyKind::kKv, std::exchange(kv_, nullptr));
  return Database::WithFamily(*with_kv, FamilyKind::kLog, std::exchange(log_, nullptr));
}

}  // namespace seshat

// Compiled without RTTI: the packaged RocksDB is, so its classes have no type information to
// inherit from.
#include "wal_record.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "seshat/v1/storage.pb.h"

namespace seshat {
namespace {

constexpr std::size_t kBatchHeaderBytes = 12;  // sequence (8), count (4), little-endian

// Visits every kind of operation that we write and keeps only the marks. The kinds that we never
// write fail, as RocksDB's own defaults do.
// Threads: owned by its user.
class MarkFinder : public rocksdb::WriteBatch::Handler {
 public:
  explicit MarkFinder(std::uint64_t mark_key) : mark_key_(mark_key) {}

  rocksdb::Status PutCF(std::uint32_t, const rocksdb::Slice&, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(std::uint32_t, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteRangeCF(std::uint32_t, const rocksdb::Slice&,
                                const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  void LogData(const rocksdb::Slice& blob) override {
    v1::DurableMark mark;
    if (!mark.ParseFromArray(blob.data(), static_cast<int>(blob.size()))) return;
    if (mark.database() != mark_key_) return;
    highest_ = std::max(highest_.value_or(0), mark.durable_sequence());
    manifest_ = std::max(manifest_, {mark.manifest_number(), mark.manifest_bytes()});
  }

  std::optional<std::uint64_t> highest() const { return highest_; }
  ManifestPosition manifest() const { return manifest_; }

 private:
  const std::uint64_t mark_key_;
  std::optional<std::uint64_t> highest_;
  ManifestPosition manifest_;
};

std::uint64_t LittleEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

}  // namespace

std::uint64_t MarkKeyOf(std::string_view identity) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : identity) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  }
  return hash;
}

std::string EncodeMark(std::uint64_t durable_sequence, ManifestPosition manifest,
                       std::uint64_t mark_key) {
  v1::DurableMark mark;
  mark.set_version(1);
  mark.set_durable_sequence(durable_sequence);
  mark.set_database(mark_key);
  mark.set_manifest_number(manifest.number);
  mark.set_manifest_bytes(manifest.bytes);
  return mark.SerializeAsString();
}

Result<WalRecord> ParseWalRecord(std::string payload, std::uint64_t mark_key) {
  if (payload.size() < kBatchHeaderBytes) {
    return MakeError(ErrorCode::kCorruption, "a record too short for a write batch");
  }
  const std::string_view bytes = payload;
  WalRecord record{.first_sequence = LittleEndian(bytes.substr(0, 8)),
                   .count = static_cast<std::uint32_t>(LittleEndian(bytes.substr(8, 4))),
                   .durable_sequence = std::nullopt,
                   .synced_manifest = {}};
  MarkFinder finder(mark_key);
  const rocksdb::WriteBatch batch(std::move(payload));
  if (const rocksdb::Status status = batch.Iterate(&finder); !status.ok()) {
    return MakeError(ErrorCode::kCorruption, "not a write batch: " + status.ToString());
  }
  // A mark speaks of what came before it; anything else is not ours.
  if (finder.highest() && *finder.highest() < record.first_sequence) {
    record.durable_sequence = finder.highest();
    record.synced_manifest = finder.manifest();
  }
  return record;
}

}  // namespace seshat

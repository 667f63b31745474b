#include "state_reads.h"

#include <fmt/core.h>

#include <memory>
#include <utility>

#include "rocks_options.h"
#include "rocks_status.h"

namespace seshat {

Result<Lookup> StateReads::Get(std::string_view key, ReadTier tier,
                               const rocksdb::Snapshot* snapshot) const {
  rocksdb::ReadOptions options;
  options.read_tier = tier == ReadTier::kMemory ? rocksdb::kBlockCacheTier : rocksdb::kReadAllTier;
  options.snapshot = snapshot;
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = rocks_.Get(options, family_, key, &value);
  if (status.ok()) {
    return Lookup{.outcome = Lookup::Outcome::kFound, .value = value.ToString()};
  }
  if (status.IsNotFound()) return Lookup{};
  if (status.IsIncomplete()) return Lookup{.outcome = Lookup::Outcome::kWouldBlock, .value = {}};
  return ReadFailed(status, "cannot read a key");
}

Status StateReads::Scan(
    std::string_view first, std::string_view end, const rocksdb::Snapshot* snapshot,
    const std::function<bool(std::string_view, std::string_view)>& visit) const {
  const rocksdb::Slice upper_bound(end);
  rocksdb::ReadOptions options = IterationOptions();
  options.snapshot = snapshot;
  options.iterate_upper_bound = &upper_bound;
  const std::unique_ptr<rocksdb::Iterator> it(rocks_.NewIterator(options, family_));
  for (it->Seek(first); it->Valid(); it->Next()) {
    if (!visit(it->key().ToStringView(), it->value().ToStringView())) return {};
  }
  if (it->status().ok()) return {};
  return ReadFailed(it->status(), "cannot scan keys");
}

std::unexpected<Error> StateReads::ReadFailed(const rocksdb::Status& status,
                                              std::string_view what) const {
  // Not every error of RocksDB names a file: the folder at least.
  Error error =
      ErrorFrom(status, fmt::format("{}, {}: {}", rocks_.GetName(), family_->GetName(), what));
  if (stop_ != nullptr) stop_->Stop(error);
  return std::unexpected(std::move(error));
}

}  // namespace seshat

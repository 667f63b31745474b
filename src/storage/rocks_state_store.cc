#include "rocks_state_store.h"

#include <fmt/core.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "rocks_options.h"
#include "seshat/base/check.h"

namespace seshat {
namespace {

constexpr std::size_t kOpOverheadBytes = 24;

std::unexpected<Error> UnknownGroup(GroupId group) {
  return MakeError(ErrorCode::kNotFound, fmt::format("no group {} here", group.value()));
}

Result<Lookup> GetFrom(Database& database, const rocksdb::ReadOptions& options,
                       rocksdb::ColumnFamilyHandle* family, std::string_view key) {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = database.rocks().Get(options, family, key, &value);
  if (status.ok()) {
    return Lookup{.outcome = Lookup::Outcome::kFound, .value = value.ToString()};
  }
  if (status.IsNotFound()) return Lookup{};
  if (status.IsIncomplete()) return Lookup{.outcome = Lookup::Outcome::kWouldBlock, .value = {}};
  return database.ReadFailed(status, "cannot read a key");
}

rocksdb::ReadOptions OptionsFor(ReadTier tier, const rocksdb::Snapshot* snapshot) {
  rocksdb::ReadOptions options;
  options.read_tier = tier == ReadTier::kMemory ? rocksdb::kBlockCacheTier : rocksdb::kReadAllTier;
  options.snapshot = snapshot;
  return options;
}

void AddOps(const StateBatch& batch, rocksdb::ColumnFamilyHandle* family,
            rocksdb::WriteBatch& out) {
  for (const StateOp& op : batch.ops) {
    const rocksdb::Status added =
        op.value ? out.Put(family, op.key, *op.value) : out.Delete(family, op.key);
    SESHAT_CHECK(added.ok());
  }
}

// Threads: immutable.
class RocksStateView : public StateView {
 public:
  RocksStateView(Database& database, std::shared_ptr<const GroupFamilies> families)
      : database_(database),
        families_(std::move(families)),
        snapshot_(database.rocks().GetSnapshot()) {}
  ~RocksStateView() override { database_.rocks().ReleaseSnapshot(snapshot_); }
  RocksStateView(const RocksStateView&) = delete;
  RocksStateView& operator=(const RocksStateView&) = delete;

  Result<Lookup> Get(std::string_view key, ReadTier tier) const override {
    return GetFrom(database_, OptionsFor(tier, snapshot_), family(), key);
  }

  Status Scan(std::string_view first, std::string_view end,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    const rocksdb::Slice upper_bound(end);
    rocksdb::ReadOptions options = IterationOptions();
    options.snapshot = snapshot_;
    options.iterate_upper_bound = &upper_bound;
    const std::unique_ptr<rocksdb::Iterator> it(database_.rocks().NewIterator(options, family()));
    for (it->Seek(first); it->Valid(); it->Next()) {
      if (!visit(it->key().ToStringView(), it->value().ToStringView())) return {};
    }
    if (!it->status().ok()) return database_.ReadFailed(it->status(), "cannot scan keys");
    return {};
  }

 private:
  rocksdb::ColumnFamilyHandle* family() const { return families_->handle(FamilyKind::kKv); }

  Database& database_;
  const std::shared_ptr<const GroupFamilies> families_;
  const rocksdb::Snapshot* const snapshot_;
};

}  // namespace

Result<Lookup> RocksStateStore::Get(GroupId group, std::string_view key, ReadTier tier) const {
  const std::shared_ptr<const GroupFamilies> families = database_.Find(group);
  if (families == nullptr) return UnknownGroup(group);
  return GetFrom(database_, OptionsFor(tier, nullptr), families->handle(FamilyKind::kKv), key);
}

Result<std::unique_ptr<StateView>> RocksStateStore::View(GroupId group) const {
  std::shared_ptr<const GroupFamilies> families = database_.Find(group);
  if (families == nullptr) return UnknownGroup(group);
  return std::make_unique<RocksStateView>(database_, std::move(families));
}

void RocksStateStore::Write(GroupId group, StateBatch batch) {
  const std::shared_ptr<const GroupFamilies> families = database_.Find(group);
  SESHAT_CHECK_MSG(families != nullptr, "a write to the state of an unknown group");
  if (batch.clear_all_but_prefix) {
    WriteToNextGeneration(*families, batch);
    if (database_.stop().stopped()) database_.stop().AwaitStop();
    return;
  }
  std::size_t bytes = kOpOverheadBytes;
  for (const StateOp& op : batch.ops) {
    bytes += kOpOverheadBytes + op.key.size() + (op.value ? op.value->size() : 0);
  }
  rocksdb::WriteBatch out(bytes);
  AddOps(batch, families->handle(FamilyKind::kKv), out);
  // What is not written must not be published as applied, or a read would miss it.
  if (!database_.Write(out, "cannot write applied state")) database_.stop().AwaitStop();
}

void RocksStateStore::WriteToNextGeneration(const GroupFamilies& current, const StateBatch& batch) {
  if (database_.stop().stopped()) return;
  Result<std::shared_ptr<const GroupFamilies>> next =
      database_.MakeNextGeneration(current, FamilyKind::kKv);
  if (!next) return;  // the node is stopping
  rocksdb::ColumnFamilyHandle* const family = (*next)->handle(FamilyKind::kKv);

  rocksdb::WriteBatch out;
  const std::string& prefix = *batch.clear_all_but_prefix;
  const std::unique_ptr<rocksdb::Iterator> kept(
      database_.rocks().NewIterator(IterationOptions(), current.handle(FamilyKind::kKv)));
  for (kept->Seek(prefix); kept->Valid() && kept->key().starts_with(prefix); kept->Next()) {
    SESHAT_CHECK(out.Put(family, kept->key(), kept->value()).ok());
  }
  if (!kept->status().ok()) {
    static_cast<void>(database_.ReadFailed(kept->status(), "cannot read the rows to keep"));
    return;
  }
  AddOps(batch, family, out);
  database_.AddMapRow(**next, FamilyKind::kKv, out);
  // Synced before the old family goes: until then a restart must still find it.
  if (!database_.Write(out, "cannot change the family map") || !database_.Sync()) return;
  writer_.RecordSync();
  database_.Publish(*std::move(next));
  database_.Drop(current, FamilyKind::kKv);
}

}  // namespace seshat

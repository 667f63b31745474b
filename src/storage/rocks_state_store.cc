#include "rocks_state_store.h"

#include <fmt/core.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "rocks_options.h"
#include "seshat/base/check.h"
#include "seshat/base/mutex.h"
#include "state_reads.h"

namespace seshat {
namespace {

constexpr std::size_t kOpOverheadBytes = 24;

std::unexpected<Error> UnknownGroup(GroupId group) {
  return MakeError(ErrorCode::kNotFound, fmt::format("no group {} here", group.value()));
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
    return reads().Get(key, tier, snapshot_);
  }

  Status Scan(std::string_view first, std::string_view end,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return reads().Scan(first, end, snapshot_, visit);
  }

 private:
  StateReads reads() const {
    return {&database_.stop(), database_.rocks(), families_->handle(FamilyKind::kKv)};
  }

  Database& database_;
  const std::shared_ptr<const GroupFamilies> families_;
  const rocksdb::Snapshot* const snapshot_;
};

}  // namespace

Result<Lookup> RocksStateStore::Get(GroupId group, std::string_view key, ReadTier tier) const {
  const std::shared_ptr<const GroupFamilies> families = database_.Find(group);
  if (families == nullptr) return UnknownGroup(group);
  const StateReads reads(&database_.stop(), database_.rocks(), families->handle(FamilyKind::kKv));
  return reads.Get(key, tier, nullptr);
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
  Result<std::shared_ptr<const Family>> made =
      database_.MakeNextGeneration({.group = current.group, .kind = FamilyKind::kKv});
  if (!made) return;  // the node is stopping
  rocksdb::ColumnFamilyHandle* const family = (*made)->handle();
  std::shared_ptr<const GroupFamilies> next =
      Database::WithFamily(current, FamilyKind::kKv, *std::move(made));

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
  database_.AddMapRow(*next, FamilyKind::kKv, out);
  const MutexLock changes(database_.family_changes());
  // Synced before the old family goes: until then a restart must still find it.
  if (!database_.Write(out, "cannot change the family map") || !database_.Sync()) return;
  writer_.RecordSync();
  database_.Publish(std::move(next));
  database_.Drop(*current.family(FamilyKind::kKv));
}

}  // namespace seshat

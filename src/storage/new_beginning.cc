#include "new_beginning.h"

#include <rocksdb/write_batch.h>

#include <memory>

#include "log_start_row.h"
#include "rocks_incoming_state.h"
#include "row_keys.h"
#include "seshat/base/check.h"

namespace seshat {
namespace {

// What a group's families are before the batch, and with it.
struct Change {
  std::shared_ptr<const GroupFamilies> before;
  std::shared_ptr<const GroupFamilies> after;
};

void AddRows(const NewBeginning& group, const GroupFamilies& families, rocksdb::WriteBatch& batch) {
  rocksdb::ColumnFamilyHandle* const kv = families.handle(FamilyKind::kKv);
  for (const StateOp& op : group.rows) {
    SESHAT_CHECK((op.value ? batch.Put(kv, op.key, *op.value) : batch.Delete(kv, op.key)).ok());
  }
  // Records of the log as it was lie before its beginning, and go with the next compaction.
  rocksdb::ColumnFamilyHandle* const state = families.handle(FamilyKind::kState);
  SESHAT_CHECK(batch.Put(state, kLogStartRow, EncodeLogStart(group.first_index)).ok());
  SESHAT_CHECK(batch.Put(state, kSnapshotRow, group.snapshot_row).ok());
  SESHAT_CHECK(batch.Put(state, kStateRow, group.state_row).ok());
}

Change Add(Database& database, const NewBeginning& group, rocksdb::WriteBatch& batch) {
  Change change{.before = database.Find(group.group), .after = {}};
  SESHAT_CHECK_MSG(change.before != nullptr, "an unknown group begins anew");
  change.after = change.before;
  if (group.state != nullptr) {
    // No other kind of incoming state is made here.
    change.after = static_cast<RocksIncomingState&>(*group.state).Install(*change.before);
    for (const FamilyKind kind : {FamilyKind::kLog, FamilyKind::kKv}) {
      database.AddMapRow(*change.after, kind, batch);
    }
  }
  AddRows(group, *change.after, batch);
  return change;
}

Status ForgetPeers(Database& database, rocksdb::WriteBatch& batch) {
  rocksdb::ColumnFamilyHandle* const family = database.default_family();
  const std::unique_ptr<rocksdb::Iterator> rows(
      database.rocks().NewIterator(IterationOptions(), family));
  for (rows->Seek(kPeerRowPrefix); rows->Valid() && rows->key().starts_with(kPeerRowPrefix);
       rows->Next()) {
    SESHAT_CHECK(batch.Delete(family, rows->key()).ok());
  }
  if (rows->status().ok()) return {};
  return database.ReadFailed(rows->status(), "cannot read the rows of peers");
}

}  // namespace

Status WriteNewBeginnings(Database& database, LogWriter& writer,
                          const std::vector<NewBeginning>& groups) {
  const MutexLock changing(database.family_changes());
  rocksdb::WriteBatch batch;
  std::vector<Change> changes;
  for (const NewBeginning& group : groups) changes.push_back(Add(database, group, batch));
  if (Status forgotten = ForgetPeers(database, batch); !forgotten) return forgotten;
  if (!database.Write(batch, "cannot begin anew") || !database.Sync()) {
    return MakeError(ErrorCode::kIo, "cannot write to " + database.path().string());
  }
  writer.RecordSync();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Change& change = changes[i];
    writer.AddGroup(*change.after, groups[i].first_index, groups[i].first_index);
    if (change.after == change.before) continue;
    database.Publish(change.after);
    for (const FamilyKind kind : {FamilyKind::kLog, FamilyKind::kKv}) {
      database.Drop(*change.before->family(kind));
    }
  }
  return {};
}

}  // namespace seshat

// Compiled without RTTI: see wal_record.cc.
#include "manifest_probe.h"

#include <fmt/core.h>
#include <rocksdb/db.h>
#include <rocksdb/wal_filter.h>

#include <memory>
#include <string>
#include <vector>

#include "rocks_status.h"

namespace seshat {
namespace {

// Ends the replay at the first record.
// Threads: immutable.
class ReplayNothing : public rocksdb::WalFilter {
 public:
  WalProcessingOption LogRecordFound(unsigned long long /*log_number*/,
                                     const std::string& /*log_file_name*/,
                                     const rocksdb::WriteBatch& /*batch*/,
                                     rocksdb::WriteBatch* /*new_batch*/,
                                     bool* /*batch_changed*/) override {
    return WalProcessingOption::kStopReplay;
  }
  const char* Name() const override { return "SeshatReplayNothing"; }
};

}  // namespace

Result<ManifestFacts> ProbeManifest(const std::filesystem::path& rocksdb_dir) {
  const std::string context = fmt::format("cannot read the manifest of {}", rocksdb_dir.string());
  ReplayNothing filter;
  rocksdb::DBOptions options;
  options.max_open_files = 16;  // table files are not needed
  options.max_file_opening_threads = 1;
  options.wal_filter = &filter;
  // The files behind the first record are not looked at; damage in that one is not judged here.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;

  std::vector<std::string> names;
  rocksdb::Status status = rocksdb::DB::ListColumnFamilies(options, rocksdb_dir.string(), &names);
  if (!status.ok()) return std::unexpected(ErrorFrom(status, context));
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  status = rocksdb::DB::OpenForReadOnly(options, rocksdb_dir.string(), families, &handles, &opened);
  if (!status.ok()) return std::unexpected(ErrorFrom(status, context));
  const std::unique_ptr<rocksdb::DB> db(opened);

  ManifestFacts facts;
  const bool known =
      db->GetIntProperty(rocksdb::DB::Properties::kMinLogNumberToKeep, &facts.first_live_wal);
  facts.last_sequence = db->GetLatestSequenceNumber();
  for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
  if (!known) return MakeError(ErrorCode::kIo, context + ": the first live log is not known");
  return facts;
}

}  // namespace seshat

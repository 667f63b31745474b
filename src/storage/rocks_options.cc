#include "rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include "wal_file_system.h"

namespace seshat {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;
constexpr double kBloomBitsPerKey = 10;

}  // namespace

RocksOptions::RocksOptions(const StorageOptions& options)
    : synced_manifest_(std::make_shared<SyncedManifest>()),
      env_(MakeWalEnv(options.env, synced_manifest_)),
      cache_(rocksdb::NewLRUCache(options.block_cache_bytes)) {
  db_.env = env_.get();
  db_.create_if_missing = true;

  // Safety. wal_check.h has judged the log before RocksDB replays it; what is left must be whole.
  db_.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db_.recycle_log_file_num = 0;
  db_.wal_compression = rocksdb::kNoCompression;
  db_.max_bgerror_resume_count = 0;
  db_.paranoid_checks = true;

  // Bounds.
  db_.max_total_wal_size = options.wal_bytes_max;
  db_.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(options.write_buffer_bytes);
  db_.max_open_files = 4096;
  db_.max_background_jobs = 4;
  db_.bytes_per_sync = kMebibyte;
  db_.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db_.max_log_file_size = 16 * kMebibyte;
  db_.keep_log_file_num = 4;
  db_.stats_dump_period_sec = 0;
  db_.stats_persist_period_sec = 0;
}

rocksdb::ColumnFamilyOptions RocksOptions::ForKind(FamilyKind kind) const {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = 64 * kMebibyte;
  family.max_write_buffer_number = 3;
  family.target_file_size_base = 64 * kMebibyte;
  family.compaction_style = rocksdb::kCompactionStyleLevel;
  family.level_compaction_dynamic_level_bytes = true;
  family.compression = rocksdb::kLZ4Compression;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache_;
  // Indexes and filters count against the one cache, so that memory does not grow with the data.
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  if (kind == FamilyKind::kKv) {
    // Logs are read in order and never asked for a key that is absent.
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
    table.whole_key_filtering = true;
  }
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

rocksdb::ReadOptions IterationOptions() {
  rocksdb::ReadOptions options;
  options.ignore_range_deletions = true;
  return options;
}

}  // namespace seshat

// The port IncomingState on RocksDB: sorted table files, which become the kv family of the group's
// next generation.
//
// Finish does all that takes long. What is left to the log writer (log_writer.h) is to name the
// families in the map; until then a crash leaves families that no map row names, which go at start.
#pragma once

#include <rocksdb/sst_file_writer.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database.h"
#include "seshat/ports/snapshot_store.h"

namespace seshat {

// Threads: owned by one thread at a time.
class RocksIncomingState : public IncomingState {
 public:
  // `folder`: made by the caller, for this object alone, which removes it.
  RocksIncomingState(Database& database, GroupId group, std::filesystem::path folder);
  ~RocksIncomingState() override;
  RocksIncomingState(const RocksIncomingState&) = delete;
  RocksIncomingState& operator=(const RocksIncomingState&) = delete;

  Status Add(std::string_view key, std::string_view value) override;
  Status Finish() override;
  std::uint64_t size_bytes() const override { return size_bytes_; }

  // `current` with the new kv and log families in place of its own. From then on this object does
  // not drop them: a batch that names them may be in the log, whatever became of it.
  // Pre: finished, of this group, and not called before.
  std::shared_ptr<const GroupFamilies> Install(const GroupFamilies& current);

 private:
  Status OpenFile();
  Status CloseFile();
  Status Ingest();
  // Remembers the error: from now on nothing works.
  Status Fail(Error error);

  Database& database_;
  const GroupId group_;
  const std::filesystem::path folder_;
  rocksdb::SstFileWriter writer_;
  std::vector<std::string> files_;
  bool file_is_open_ = false;
  std::optional<std::string> last_key_;
  std::uint64_t size_bytes_ = 0;
  std::optional<Error> failure_;
  std::shared_ptr<const Family> kv_;  // both once finished, until installed
  std::shared_ptr<const Family> log_;
};

}  // namespace seshat

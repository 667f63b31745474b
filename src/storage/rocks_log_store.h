// The port LogStore on RocksDB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "database.h"
#include "log_writer.h"
#include "seshat/base/mutex.h"
#include "seshat/ports/log_store.h"

namespace seshat {

// Threads: thread-safe.
class RocksLogStore : public LogStore {
 public:
  RocksLogStore(Database& database, LogWriter& writer) : database_(database), writer_(writer) {}

  // Tells the writer where each log ends. Errors: kCorruption, kIo.
  Status AddGroupsToWriter();

  std::vector<GroupId> Groups() const override { return database_.Groups(); }
  Status CreateGroup(GroupId group, std::string snapshot_row) override;
  Result<LogContents> Load(GroupId group) override;
  Result<std::vector<LogRecord>> Read(GroupId group, LogIndex first, LogIndex end,
                                      std::size_t bytes_max) override;
  void Write(LogWrite write, UniqueFunction<void()> on_durable) override {
    writer_.Write(std::move(write), std::move(on_durable));
  }
  void RemoveCompacted(GroupId group) override;

 private:
  Result<LogIndex> ReadFirstIndex(const GroupFamilies& families);
  Result<LogIndex> ReadLastIndex(const GroupFamilies& families, LogIndex first);
  Status CheckContiguous(const GroupFamilies& families, LogIndex first, LogIndex last);
  // Removes the records [first, end); false when the node is stopping.
  bool RemoveRecords(const Family& log, LogIndex first, LogIndex end);
  std::unexpected<Error> Corrupt(const GroupFamilies& families, std::string_view what) const;

  Database& database_;
  LogWriter& writer_;
  Mutex create_mutex_;  // two calls for one group must not both find it missing

  // Up to where a log family has been cleared, so that nobody looks for records among tombstones.
  struct Cleared {
    std::uint64_t generation = 0;
    LogIndex end;
  };
  Mutex cleared_mutex_;
  std::unordered_map<GroupId, Cleared> cleared_ SESHAT_GUARDED_BY(cleared_mutex_);
};

}  // namespace seshat

// The port StateStore on RocksDB.
#pragma once

#include <rocksdb/options.h>

#include <memory>
#include <string_view>

#include "database.h"
#include "log_writer.h"
#include "seshat/ports/state_store.h"

namespace seshat {

// Threads: thread-safe; writes to one group come from one thread at a time.
class RocksStateStore : public StateStore {
 public:
  RocksStateStore(Database& database, LogWriter& writer) : database_(database), writer_(writer) {}

  Result<Lookup> Get(GroupId group, std::string_view key, ReadTier tier) const override;
  Result<std::unique_ptr<StateView>> View(GroupId group) const override;
  void Write(GroupId group, StateBatch batch) override;

 private:
  void WriteToNextGeneration(const GroupFamilies& current, const StateBatch& batch);

  Database& database_;
  LogWriter& writer_;
};

}  // namespace seshat

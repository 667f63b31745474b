// Reads of one kv family, of a database that is open for writing or only for reading.
#pragma once

#include <rocksdb/db.h>

#include <functional>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/ports/state_store.h"
#include "stop_switch.h"

namespace seshat {

// Threads: immutable. Lifetime: of what it is made from.
class StateReads {
 public:
  // `stop`: what a failed read calls; null where no node runs. `rocks`: whose family it is.
  StateReads(StopSwitch* stop, rocksdb::DB& rocks, rocksdb::ColumnFamilyHandle* family)
      : stop_(stop), rocks_(rocks), family_(family) {}

  // As of `snapshot`; as of now when null. Errors: as StateView.
  Result<Lookup> Get(std::string_view key, ReadTier tier, const rocksdb::Snapshot* snapshot) const;
  Status Scan(std::string_view first, std::string_view end, const rocksdb::Snapshot* snapshot,
              const std::function<bool(std::string_view, std::string_view)>& visit) const;

 private:
  std::unexpected<Error> ReadFailed(const rocksdb::Status& status, std::string_view what) const;

  StopSwitch* const stop_;
  rocksdb::DB& rocks_;
  rocksdb::ColumnFamilyHandle* const family_;
};

}  // namespace seshat

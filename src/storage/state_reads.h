// Reads of one kv family, of the node's database or of a snapshot's.
#pragma once

#include <rocksdb/db.h>

#include <functional>
#include <string_view>

#include "database.h"
#include "seshat/ports/state_store.h"

namespace seshat {

// Threads: immutable. Lifetime: of what it is made from.
class StateReads {
 public:
  // A failed read stops `database`'s node. `rocks`: whose family it is, `database`'s or another.
  StateReads(Database& database, rocksdb::DB& rocks, rocksdb::ColumnFamilyHandle* family)
      : database_(database), rocks_(rocks), family_(family) {}

  // As of `snapshot`; as of now when null. Errors: as StateView.
  Result<Lookup> Get(std::string_view key, ReadTier tier, const rocksdb::Snapshot* snapshot) const;
  Status Scan(std::string_view first, std::string_view end, const rocksdb::Snapshot* snapshot,
              const std::function<bool(std::string_view, std::string_view)>& visit) const;

 private:
  Database& database_;
  rocksdb::DB& rocks_;
  rocksdb::ColumnFamilyHandle* const family_;
};

}  // namespace seshat

// Reads of one kv family, of a database that is open for writing or only for reading.
#pragma once

#include <rocksdb/db.h>

#include <functional>
#include <memory>
#include <string_view>
#include <utility>

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

// Of a family that nobody writes, such as a snapshot's.
// Threads: immutable. Lifetime: that of `reads`; keeps `owner`, of whatever they are made from.
class UnchangingView final : public StateView {
 public:
  explicit UnchangingView(const StateReads& reads, std::shared_ptr<const void> owner = nullptr)
      : owner_(std::move(owner)), reads_(reads) {}

  Result<Lookup> Get(std::string_view key, ReadTier tier) const override {
    return reads_.Get(key, tier, nullptr);
  }
  Status Scan(std::string_view first, std::string_view end,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return reads_.Scan(first, end, nullptr, visit);
  }

 private:
  const std::shared_ptr<const void> owner_;
  const StateReads reads_;
};

}  // namespace seshat

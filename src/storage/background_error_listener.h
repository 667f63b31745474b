// Tells the stop switch when RocksDB's own threads fail: a flush, a compaction, a manifest write.
#pragma once

#include <memory>

#include "stop_switch.h"

namespace rocksdb {
class EventListener;
}  // namespace rocksdb

namespace seshat {

// Lifetime: `stop` outlives the database that the listener is given to.
std::shared_ptr<rocksdb::EventListener> MakeBackgroundErrorListener(StopSwitch& stop);

}  // namespace seshat

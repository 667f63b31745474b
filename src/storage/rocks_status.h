// RocksDB's statuses as Errors.
#pragma once

#include <rocksdb/status.h>

#include <string_view>

#include "seshat/base/error.h"

namespace seshat {

// kCorruption, kResourceExhausted for a full disk, or kIo: "`context`: <RocksDB's text>".
// Pre: !status.ok().
Error ErrorFrom(const rocksdb::Status& status, std::string_view context);

}  // namespace seshat

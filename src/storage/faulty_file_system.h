// RocksDB's door to a FaultyDisk.
#pragma once

#include <memory>

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace seshat {

class FaultyDisk;

// Lifetime: `disk` outlives the result.
std::unique_ptr<rocksdb::Env> MakeFaultyEnv(FaultyDisk& disk);

}  // namespace seshat

// RocksDB's own log of what it does (`rocksdb/LOG`), which nothing depends on.
//
// RocksDB 7.8.3's writes through the buffer that it has for tables, too: on a full disk the first
// line fails, the next one trips an assertion, and the process dies before anybody is told why.
#pragma once

#include <memory>
#include <string>

namespace rocksdb {
class FileSystem;
class Logger;
}  // namespace rocksdb

namespace seshat {

// A log in the file at `path` of `file_system`, which must outlive it. A line that cannot be
// written is lost. Null when the file cannot be made.
// Threads: the log is thread-safe.
std::shared_ptr<rocksdb::Logger> MakeInfoLog(rocksdb::FileSystem& file_system,
                                             const std::string& path);

}  // namespace seshat

// Reads one file of RocksDB's write-ahead log record by record, and past damage.
//
// RocksDB's own reader stops at damage and cannot tell a torn, never synced tail from a lost
// promise; the check in wal_check.h must see what lies behind it. Zeros from the end of a record to
// the end of the file are no damage: a log file is made longer than what is in it
// (wal_file_system.h).
// Source: RocksDB wiki, "Write Ahead Log File Format"; recycling and compression are off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "posix_file.h"
#include "seshat/base/error.h"

namespace seshat {

// A record, or a place where one should have been.
struct WalItem {
  std::uint64_t offset = 0;  // of its first header in the file
  std::string payload;       // the serialized write batch
  std::string damage;        // not empty: no record; what is wrong, for people
};

// Threads: owned by its user.
class WalReader {
 public:
  static constexpr std::size_t kBlockBytes = 32768;
  static constexpr std::size_t kHeaderBytes = 7;  // masked CRC-32C (4), length (2), type (1)

  static Result<WalReader> Open(const std::filesystem::path& path);

  // The next item in file order, empty at the end. Behind damage it searches byte by byte for the
  // next intact fragment, and goes on with the first whole record. Errors: kIo.
  Result<std::optional<WalItem>> Next();

  // Where the next item begins.
  std::uint64_t offset() const { return block_offset_ + position_; }

 private:
  enum class FragmentType : unsigned char { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };
  struct Fragment {
    FragmentType type = FragmentType::kFull;
    std::string_view payload;
  };

  WalReader(std::filesystem::path path, FileDescriptor file, std::uint64_t zeros_from)
      : path_(std::move(path)), file_(std::move(file)), zeros_from_(zeros_from) {}

  Status LoadBlock();
  std::optional<Fragment> FragmentHere() const;
  std::optional<WalItem> Consume(const Fragment& fragment);
  WalItem Damage(std::string what);
  std::size_t left() const { return block_.size() - position_; }

  std::filesystem::path path_;
  FileDescriptor file_;
  std::uint64_t zeros_from_;  // nothing but zeros from here on
  std::string block_;
  std::uint64_t block_offset_ = 0;
  std::size_t position_ = 0;
  bool loaded_ = false;
  bool searching_ = false;          // behind damage, until an intact record begins
  std::optional<WalItem> partial_;  // a record whose last fragment is still to come
};

}  // namespace seshat

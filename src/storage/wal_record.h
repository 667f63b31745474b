// What the check of the write-ahead log needs to know of one of its records, and the mark in it
// that says how far the log had been synced.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "seshat/base/error.h"
#include "synced_manifest.h"

namespace seshat {

struct WalRecord {
  std::uint64_t first_sequence = 0;
  std::uint32_t count = 0;  // sequence numbers that it uses up; 0 for a mark alone
  std::optional<std::uint64_t> durable_sequence;  // the highest mark in it
  ManifestPosition synced_manifest;               // by the same mark
};

// Ties marks to one database, so that bytes inside a client's value never pass for a mark.
// `identity`: RocksDB's own, a random UUID that no client sees.
std::uint64_t MarkKeyOf(std::string_view identity);

// The blob of a mark: every sequence number up to `durable_sequence` had been synced, and the
// manifest up to `manifest`.
std::string EncodeMark(std::uint64_t durable_sequence, ManifestPosition manifest,
                       std::uint64_t mark_key);

// Errors: kCorruption when `payload` is no write batch.
Result<WalRecord> ParseWalRecord(std::string payload, std::uint64_t mark_key);

}  // namespace seshat

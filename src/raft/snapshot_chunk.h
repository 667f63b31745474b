// The chunks in which a group's state travels to another node, as bytes (docs/formats.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/unique_function.h"

namespace seshat {

// Asks for the rows that follow on `after_key` in a snapshot of `group`.
struct SnapshotChunkRequest {
  GroupId group;
  LogIndex index;  // which snapshot
  Term term;
  std::string after_key;  // empty: from the beginning
};

std::string EncodeChunkRequest(const SnapshotChunkRequest& request);
// Errors of all decoders here: kCorruption, kFailedPrecondition for a newer version.
Result<SnapshotChunkRequest> DecodeChunkRequest(std::string_view bytes);

// Gathers rows for one chunk.
// Threads: owned by its user.
class ChunkWriter {
 public:
  void Add(std::string_view key, std::string_view value);
  std::size_t rows_bytes() const { return rows_.size(); }
  // The answer to a request with `after_key`.
  std::string Finish(std::string_view after_key, bool is_last) const;

 private:
  std::string rows_;
};

// The answer of a node that has no such snapshot (any more).
std::string EncodeChunkGone();

// A chunk as it came in, checked.
struct SnapshotChunk {
  bool is_gone = false;
  bool is_last = false;
  std::string rows;

  // Calls `visit` for each row in order until it fails. Errors: kCorruption; those of `visit`.
  Status ForEach(UniqueFunction<Status(std::string_view key, std::string_view value)> visit) const;
  // Empty when there are no rows. Pre: as for ForEach, which has gone well.
  std::string LastKey() const;
};

// Errors: kCorruption also when the checksum does not match.
Result<SnapshotChunk> DecodeChunk(std::string_view bytes, std::string_view after_key);

}  // namespace seshat

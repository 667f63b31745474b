#include "snapshot_chunk.h"

#include <lz4.h>
#include <xxhash.h>

#include <utility>

#include "seshat/v1/snapshot.pb.h"
#include "wire_codec.h"

namespace seshat {
namespace {

constexpr std::string_view kRequestRecord = "SnapshotChunkRequest";
constexpr std::string_view kChunkRecord = "SnapshotChunk";

// The largest value with the largest key, and a chunk's usual size on top.
constexpr std::uint32_t kRowsBytesMax = 32 << 20;

// Bound to the place in the snapshot, so that no other chunk of it can pass for this one.
std::uint64_t ChecksumOf(std::string_view after_key, std::string_view rows) {
  const std::uint64_t place = XXH3_64bits(after_key.data(), after_key.size());
  return XXH3_64bits_withSeed(rows.data(), rows.size(), place);
}

std::string Compress(std::string_view rows) {
  std::string block(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(rows.size()))),
                    '\0');
  const int size = LZ4_compress_default(rows.data(), block.data(), static_cast<int>(rows.size()),
                                        static_cast<int>(block.size()));
  block.resize(static_cast<std::size_t>(size));
  return block;
}

bool TakeBytes(std::string_view& rest, std::string_view& bytes) {
  std::uint64_t size = 0;
  if (!TakeVarint(rest, size) || size > rest.size()) return false;
  bytes = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

}  // namespace

std::string EncodeChunkRequest(const SnapshotChunkRequest& request) {
  v1::SnapshotChunkRequest message;
  message.set_version(kRecordVersion);
  message.set_group_id(request.group.value());
  message.set_index(request.index.value());
  message.set_term(request.term.value());
  message.set_after_key(request.after_key);
  return message.SerializeAsString();
}

Result<SnapshotChunkRequest> DecodeChunkRequest(std::string_view bytes) {
  v1::SnapshotChunkRequest message;
  if (Status parsed = ParseRecord(kRequestRecord, bytes, message); !parsed) {
    return std::unexpected(std::move(parsed).error());
  }
  return SnapshotChunkRequest{.group = GroupId(message.group_id()),
                              .index = LogIndex(message.index()),
                              .term = Term(message.term()),
                              .after_key = std::move(*message.mutable_after_key())};
}

void ChunkWriter::Add(std::string_view key, std::string_view value) {
  AppendVarint(rows_, key.size());
  rows_.append(key);
  AppendVarint(rows_, value.size());
  rows_.append(value);
}

std::string ChunkWriter::Finish(std::string_view after_key, bool is_last) const {
  v1::SnapshotChunk message;
  message.set_version(kRecordVersion);
  message.set_status(v1::SNAPSHOT_CHUNK_STATUS_ROWS);
  message.set_rows(Compress(rows_));
  message.set_rows_bytes(static_cast<std::uint32_t>(rows_.size()));
  message.set_checksum(ChecksumOf(after_key, rows_));
  message.set_is_last(is_last);
  return message.SerializeAsString();
}

std::string EncodeChunkGone() {
  v1::SnapshotChunk message;
  message.set_version(kRecordVersion);
  message.set_status(v1::SNAPSHOT_CHUNK_STATUS_GONE);
  return message.SerializeAsString();
}

Status SnapshotChunk::ForEach(
    UniqueFunction<Status(std::string_view key, std::string_view value)> visit) const {
  std::string_view key;
  std::string_view value;
  for (std::string_view rest = rows; !rest.empty();) {
    if (!TakeBytes(rest, key) || !TakeBytes(rest, value)) return MalformedRecord(kChunkRecord);
    if (Status visited = visit(key, value); !visited) return visited;
  }
  return {};
}

std::string SnapshotChunk::LastKey() const {
  std::string_view key;
  std::string_view value;
  for (std::string_view rest = rows; !rest.empty();) {
    if (!TakeBytes(rest, key) || !TakeBytes(rest, value)) break;
  }
  return std::string(key);
}

Result<SnapshotChunk> DecodeChunk(std::string_view bytes, std::string_view after_key) {
  v1::SnapshotChunk message;
  if (Status parsed = ParseRecord(kChunkRecord, bytes, message); !parsed) {
    return std::unexpected(std::move(parsed).error());
  }
  SnapshotChunk chunk;
  if (message.status() == v1::SNAPSHOT_CHUNK_STATUS_GONE) {
    chunk.is_gone = true;
    return chunk;
  }
  if (message.status() != v1::SNAPSHOT_CHUNK_STATUS_ROWS || message.rows_bytes() > kRowsBytesMax) {
    return MalformedRecord(kChunkRecord);
  }
  chunk.is_last = message.is_last();
  chunk.rows.resize(message.rows_bytes());
  const int size = LZ4_decompress_safe(message.rows().data(), chunk.rows.data(),
                                       static_cast<int>(message.rows().size()),
                                       static_cast<int>(chunk.rows.size()));
  if (size < 0 || static_cast<std::size_t>(size) != chunk.rows.size() ||
      ChecksumOf(after_key, chunk.rows) != message.checksum()) {
    return MakeError(ErrorCode::kCorruption, "a chunk of a snapshot does not match its checksum");
  }
  return chunk;
}

}  // namespace seshat

// File METADATA of a snapshot's folder: what makes it a snapshot that was kept.
//
// What the groups' metadata means is the raft layer's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/time.h"
#include "seshat/ports/snapshot_store.h"

namespace seshat {

// Mirrors the message StoredSnapshot of proto/seshat/v1/storage.proto.
struct KeptMetadata {
  UnixMillis created_at;
  std::uint64_t size_bytes = 0;
  std::uint64_t number = 0;  // the highest is the newest
  std::vector<GroupSnapshot> groups;
  std::uint32_t manifest_crc32c = 0;

  bool operator==(const KeptMetadata&) const = default;
};

// Errors: kIo, kResourceExhausted. Durability: synced at return, the file and the names in
// `folder`.
Status WriteSnapshotMetadata(const std::filesystem::path& folder, const KeptMetadata& metadata);

// Errors: kCorruption for a missing or damaged file or a newer version, with the file's name; kIo.
Result<KeptMetadata> ReadSnapshotMetadata(const std::filesystem::path& folder);

// What the name of a kept snapshot's folder begins with.
inline constexpr std::string_view kKeptSnapshotPrefix = "snapshot-";

struct KeptFolder {
  std::filesystem::path path;
  KeptMetadata metadata;
};

// The snapshots kept in `snapshots_dir`, the oldest first. `unusable`: what is wrong with those
// whose metadata cannot be read, naming the file. Errors: kIo.
Result<std::vector<KeptFolder>> ListKeptSnapshots(const std::filesystem::path& snapshots_dir,
                                                  std::vector<std::string>& unusable);

// Of the one MANIFEST in the folder: RocksDB takes a damaged length in its last record for the end
// of the file, and would show an older state without a word.
// Errors: kCorruption when there is none; kIo.
Result<std::uint32_t> ManifestChecksum(const std::filesystem::path& folder);

}  // namespace seshat

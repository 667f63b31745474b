// <data_dir>/IDENTITY: who this data directory belongs to.
//
// A magic string, a format version, a length, a CRC-32C and one protobuf. Replaced as a whole,
// never edited in place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"

namespace seshat {

inline constexpr std::uint64_t kIdentityFormatVersion = 1;

// Mirrors the message Identity of proto/seshat/v1/storage.proto.
struct NodeIdentity {
  NodeId node_id;
  std::string cluster_id;       // 16 bytes; empty until the cluster has one
  std::string store_id;         // 16 random bytes
  std::string bootstrap_hash;   // of the founding member list
  std::string quarantine = {};  // why the data here must not be served; empty: it may be
  std::string unfinished = {};  // the offline command that was interrupted here; empty: none

  bool operator==(const NodeIdentity&) const = default;
};

// Empty when the file does not exist.
// Errors: kCorruption for a damaged file or a newer version, with the file's name and what is
//         allowed; kIo.
Result<std::optional<NodeIdentity>> ReadIdentity(const std::filesystem::path& data_dir);

// Makes `data_dir` when missing. Errors: kIo; the old file is intact.
// Durability: synced at return, file and folder.
Status WriteIdentity(const std::filesystem::path& data_dir, const NodeIdentity& identity);

}  // namespace seshat

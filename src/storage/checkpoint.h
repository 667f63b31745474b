// A picture of the database in a folder of its own: table files as hard links, and the manifest.
//
// Why not RocksDB's Checkpoint: that copies the live log file at its full, preallocated length
// (wal_file_system.h), with a tail that is being written and that no start of ours would take; and
// it leaves what it links un-synced. This one has no log files: the kv families and the family map
// are flushed first, and the rest of a group is in the raft layer's metadata.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "database.h"
#include "seshat/base/error.h"
#include "seshat/base/ids.h"

namespace seshat {

struct Checkpoint {
  std::vector<GroupId> groups;  // ascending
  std::uint64_t size_bytes = 0;
};

// Makes `folder`, whose parent is there. What it shows of each group's kv family is one moment
// during the call, and durable in the database too from then on. Reads and writes go on.
// Errors: kResourceExhausted: the disk is full; kIo (the node may be stopping). `folder` may be
//         there, with some files.
// Durability: the files' content is synced at return, their names are not.
Result<Checkpoint> MakeCheckpoint(Database& database, const std::filesystem::path& folder);

}  // namespace seshat

// A kept snapshot by its folder, under a node's `snapshots` or a copy of it: for reading alone.
#pragma once

#include <filesystem>
#include <memory>

#include "seshat/base/error.h"
#include "seshat/ports/snapshot_store.h"
#include "seshat/storage/directory_reader.h"

namespace seshat {

// Threads: owned by its user.
class SnapshotSource {
 public:
  // Reads the metadata alone.
  // Errors: kNotFound: no such folder; kFailedPrecondition: it is unfinished; kCorruption for
  //         missing or damaged metadata or a newer version, naming the file; kIo.
  static Result<std::unique_ptr<SnapshotSource>> Open(const std::filesystem::path& folder);
  ~SnapshotSource();
  SnapshotSource(const SnapshotSource&) = delete;
  SnapshotSource& operator=(const SnapshotSource&) = delete;

  // Lifetime: it and its views must not outlive this object.
  const Snapshot& snapshot() const;
  // Reads every table file and compares all its checksums. May block for long.
  void CheckTables(DirectoryFindings& findings) const;

 private:
  class Impl;
  explicit SnapshotSource(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace seshat

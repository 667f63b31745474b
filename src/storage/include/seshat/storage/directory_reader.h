// A stopped node's data directory, for reading alone: not a byte of it changes.
//
// Where StorageEngine stops at the first damage, this names it and shows what can still be read. It
// is for people who look into a directory, and no way to serve one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/ports/log_store.h"
#include "seshat/ports/snapshot_store.h"
#include "seshat/ports/state_store.h"

namespace seshat {

struct DirectoryFindings {
  std::vector<std::string> damage;  // each names the file or the row
  std::vector<std::string> notes;   // no loss: what the next start of the node mends by itself
};

// The generation of each family of a group.
struct GroupGenerations {
  GroupId group;
  std::uint64_t log = 0;
  std::uint64_t state = 0;
  std::uint64_t kv = 0;
};

// Threads: owned by its user.
class DirectoryReader {
 public:
  // Keeps nodes from starting on `data_dir` as long as it lives; other readers may share it.
  // Errors: kNotFound: no data directory of a node; kFailedPrecondition: a running node has it;
  //         kIo.
  static Result<std::unique_ptr<DirectoryReader>> Open(const std::filesystem::path& data_dir);
  ~DirectoryReader();
  DirectoryReader(const DirectoryReader&) = delete;
  DirectoryReader& operator=(const DirectoryReader&) = delete;

  // Looks at the manifest and the write-ahead log as a start does, without cutting anything off.
  void CheckLogFiles(DirectoryFindings& findings) const;
  // Opens the database, as far as its write-ahead log is whole. What does not fit the family map
  // goes into the findings. False when it cannot be opened, or is not there yet: then there are no
  // groups. Call it once.
  bool OpenDatabase(DirectoryFindings& findings);
  // Reads every table file and compares all its checksums: the database's; every one in its folder
  // when that could not be opened.
  void CheckTables(DirectoryFindings& findings) const;

  // Those with all their families, ascending.
  std::vector<GroupGenerations> Groups() const;

  // Pre of the following: `group` is one of Groups().

  // The rows of the state family, and the bounds of the log. Errors: kCorruption, kIo.
  Result<LogContents> Load(GroupId group) const;
  // Every record there is, ascending, those before the log's beginning too.
  // Errors: kCorruption, kIo: the rest cannot be read.
  Status ScanLog(GroupId group,
                 const std::function<void(LogIndex index, std::string_view value)>& visit) const;
  // Lifetime: must not outlive the reader.
  std::unique_ptr<StateView> View(GroupId group) const;

  // The kept snapshots, newest first; those that are unusable go into the findings.
  // Lifetime: they and their views must not outlive the reader.
  std::vector<std::shared_ptr<const Snapshot>> Snapshots(DirectoryFindings& findings) const;
  // As CheckTables.
  void CheckTablesOf(const Snapshot& snapshot, DirectoryFindings& findings) const;

 private:
  class Impl;
  explicit DirectoryReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace seshat

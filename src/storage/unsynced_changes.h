// What a disk may forget when its power fails: every change that nobody has synced.
//
// The files lie in a folder of the real file system, always as a reader sees them; kept here is how
// to take back what is not durable. The rules are those that ext4, XFS and Btrfs keep to, at their
// least obliging:
// - What was appended survives up to the last sync of its file. Of the rest any 4 KiB block may be
//   there or not, in any order, and one may be torn at any byte. Lost blocks read as zeros, in a
//   file that has its old length, its new one, or ends at the last block that made it.
// - A truncation may be lost until the file is synced.
// - After a failed sync, what it was to cover counts as clean and is never written: a later sync of
//   the file succeeds and changes nothing (Rebello et al., USENIX ATC 2020).
// - A name (created, renamed, removed) is durable once its folder was synced, not before. The names
//   of one folder survive in the order in which they were changed, each folder's on their own.
// It does not damage what is durable, and does not show old content of other files.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "seshat/base/random.h"

namespace seshat {

// Makes its own changes through std::filesystem: the system calls are faulty_system_calls.cc's.
// Threads: owned by its user.
class UnsyncedChanges {
 public:
  // All that is below `root` now counts as durable. Removed files wait in `<root>.removed`, as
  // their names may come back.
  explicit UnsyncedChanges(std::filesystem::path root);
  ~UnsyncedChanges();
  UnsyncedChanges(const UnsyncedChanges&) = delete;
  UnsyncedChanges& operator=(const UnsyncedChanges&) = delete;

  // Whether the file is kept account of: it is the root or below, and neither a lock nor an info
  // log.
  bool Covers(const std::filesystem::path& path) const;

  // To be told after the change.
  void Created(const std::filesystem::path& path);  // a file or a folder
  void Linked(const std::filesystem::path& path);
  void Appended(ino_t file, std::uint64_t bytes);
  void Synced(ino_t file, std::uint64_t length);
  void SyncFailed(ino_t file);
  bool HasFailedSync(ino_t file) const;
  void FolderSynced(const std::filesystem::path& folder);
  // To be told before the change. Pre of Truncates: not frozen.
  void Opens(ino_t file, std::uint64_t length);  // to append to what is there already
  void Truncates(const std::filesystem::path& path, std::uint64_t length);

  // Makes the change.
  std::error_code Remove(const std::filesystem::path& path);
  std::error_code Rename(const std::filesystem::path& from, const std::filesystem::path& to);

  // From now on nothing happens: what is changed until Thaw is taken back there, as if whoever
  // changed it had stopped at this moment.
  void Freeze();
  bool frozen() const { return frozen_.has_value(); }
  // Pre: no file is open.
  void Thaw();
  // Keeps a random part of the changes; what is left counts as durable. Pre: no file is open, and
  // not frozen.
  void Lose(Random& random);

 private:
  struct FileState {
    std::uint64_t written = 0;  // end of what was appended
    std::uint64_t durable_written = 0;
    std::uint64_t durable_length = 0;  // longer than what was written when preallocated
    bool sync_failed = false;
    std::string cut_off;  // by a truncation that was not synced: the bytes behind the file's end
  };
  // A change to a folder. Empty paths: created, when `from` is; removed, when `to` is.
  struct NameChange {
    std::filesystem::path from;
    std::filesystem::path to;
    std::filesystem::path replaced;  // where the file waits that was at `to`, or was removed

    std::filesystem::path folder() const { return (to.empty() ? from : to).parent_path(); }
  };

  std::filesystem::path SetAside(const std::filesystem::path& path);
  // Undoes the change at this place in names_, which may rename a folder that earlier ones are in.
  void Undo(std::size_t place);
  // Of the changes before `place`: those below `from` are now below `to`.
  void MoveChanges(std::size_t place, const std::filesystem::path& from,
                   const std::filesystem::path& to);
  void Forget(const NameChange& change);
  template <typename Visitor>  // of a path and its FileState
  void VisitChangedFiles(const Visitor& visitor);
  void LoseContent(const std::filesystem::path& path, FileState& file, Random& random);

  const std::filesystem::path root_;
  const std::filesystem::path removed_;
  std::uint64_t removals_ = 0;
  std::map<ino_t, FileState> files_;   // what is not here is durable as it is
  std::vector<NameChange> names_;      // in order
  std::optional<std::size_t> frozen_;  // how many of them there were then
};

}  // namespace seshat

// The durable half of Raft groups: log records and state rows as opaque bytes.
//
// It knows indexes, not terms: what a record or a row means is the raft layer's.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/unique_function.h"
#include "seshat/ports/snapshot_store.h"

namespace seshat {

struct LogRecord {
  LogIndex index;
  std::string value;

  bool operator==(const LogRecord&) const = default;
};

// Where a group's log begins from now on: records below `first_index` are no part of it any more.
struct LogStart {
  LogIndex first_index;
  std::string snapshot_row;  // replaces the row `snapshot`
};

// One group's share of a write. Parts take effect in the order of the fields, atomically.
struct LogWrite {
  GroupId group;
  // Replaces the group's applied state by this one, which is finished, and its whole log by an
  // empty one that begins at `start`, which must be set. Pre: nobody writes the group's state from
  // before this call until it is durable.
  std::shared_ptr<IncomingState> install = {};
  // Alone: a compaction. Pre: first_index is in the log or follows on it, and never goes back.
  std::optional<LogStart> start = {};
  std::optional<LogIndex> truncate_from;  // records at and above it are removed
  std::vector<LogRecord> records;         // contiguous, right after the last record kept
  std::optional<std::string> state_row;   // replaces the row `state`
};

// What a group's families hold at start.
struct LogContents {
  std::optional<std::string> state_row;
  std::optional<std::string> snapshot_row;
  LogIndex first_index{1};
  LogIndex last_index{0};  // first_index - 1 when the log is empty
};

class LogStore {
 public:
  virtual ~LogStore() = default;

  // Groups that exist on this node, ascending.
  virtual std::vector<GroupId> Groups() const = 0;

  // Creates a group's families, with `snapshot_row` as its row `snapshot`.
  // Errors:     kFailedPrecondition if it exists.
  // Durability: synced at return.
  virtual Status CreateGroup(GroupId group, std::string snapshot_row) = 0;

  // Errors: kNotFound; kCorruption when a row or the log's bounds cannot be read.
  virtual Result<LogContents> Load(GroupId group) = 0;

  // Reads records from `first` up to but not including `end`, at least one, then as many as fit
  // into `bytes_max`.
  // Errors:  kNotFound when `first` is not in the log (any more); kCorruption on a gap.
  // Threads: thread-safe; may block on the disk.
  virtual Result<std::vector<LogRecord>> Read(GroupId group, LogIndex first, LogIndex end,
                                              std::size_t bytes_max) = 0;

  // Queues a write. Writes take effect in the order queued; all that wait share one batch and one
  // sync. `on_durable` runs on the store's own thread once the sync that covers it has returned;
  // it must not block. A disk error does not call it: the node stops (docs/adr/0006).
  // Threads: thread-safe. The caller bounds what is in flight.
  virtual void Write(LogWrite write, UniqueFunction<void()> on_durable) = 0;

  // Frees the room of records that a compaction has cut off. Call it when that is durable; until
  // then, and after a crash, they only take room.
  // Threads: thread-safe; blocks, off the hot paths.
  virtual void RemoveCompacted(GroupId group) = 0;
};

}  // namespace seshat

// Snapshots of a node: consistent pictures of what all its groups have applied, and the way in for
// a group's state that another node sends.
//
// Like the log store it keeps bytes: what a snapshot's metadata means is the raft layer's. A
// snapshot that came in takes effect with a LogWrite (log_store.h), in order with the log writes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/ports/state_store.h"

namespace seshat {

// What a snapshot says of one group, in the raft layer's bytes (SnapshotMetadata).
struct GroupSnapshot {
  GroupId group;
  std::string metadata;

  bool operator==(const GroupSnapshot&) const = default;
};

// A snapshot on this node's disk, open for reading. It stays readable while anyone holds it, even
// after it was superseded and removed.
// Threads: thread-safe.
class Snapshot {
 public:
  virtual ~Snapshot() = default;

  // "snapshot-20261127-071608-4711"; one that was not kept yet has a name of no meaning.
  virtual const std::string& name() const = 0;
  virtual UnixMillis created_at() const = 0;
  virtual std::uint64_t size_bytes() const = 0;
  // Ascending by group; `metadata` empty until it was kept.
  virtual const std::vector<GroupSnapshot>& groups() const = 0;
  // Lifetime of the view: may outlive this object, not the store.
  // Errors: kNotFound for a group that it does not hold; kCorruption, kIo: it cannot be opened.
  virtual Result<std::unique_ptr<StateView>> View(GroupId group) const = 0;
};

// A group's applied state on its way in from another node. Dropped without being installed, it
// leaves nothing behind.
// Threads: owned by one thread at a time. Lifetime: must not outlive its store.
class IncomingState {
 public:
  virtual ~IncomingState() = default;

  // Keys strictly ascending. May block on the disk.
  // Errors: kInvalidArgument: not ascending, nothing was added; kResourceExhausted: the disk is
  //         full; kIo. After the last two this object is of no more use; the node goes on, unless
  //         the database itself could not be written either.
  virtual Status Add(std::string_view key, std::string_view value) = 0;
  // Makes what was added ready to be installed, durably. No Add after it. May block for long.
  // Errors: as Add.
  virtual Status Finish() = 0;
  virtual std::uint64_t size_bytes() const = 0;  // of the keys and values added
};

// Threads: thread-safe. One snapshot is taken at a time; methods may block for seconds unless they
// say otherwise.
class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;

  // Takes a picture of every group as of this moment; reads and writes go on. It is not listed and
  // does not survive a restart until it is kept; dropping it removes it.
  // Errors: kResourceExhausted: too little disk is free; kIo (the node may be stopping).
  virtual Result<std::shared_ptr<Snapshot>> Take(UnixMillis now) = 0;

  // Gives a taken snapshot its metadata and its name, which ends in `index`, and makes it the
  // newest; those beyond the newest two are removed. It holds the groups of `groups`, no others.
  // Pre:        taken by this store, not kept yet; `groups` ascending, each in the snapshot.
  // Errors:     kIo, kResourceExhausted: it was not kept, and is gone when dropped.
  // Durability: synced at return, files, metadata and folder.
  virtual Result<std::shared_ptr<const Snapshot>> Keep(std::shared_ptr<Snapshot> taken,
                                                       LogIndex index,
                                                       std::vector<GroupSnapshot> groups) = 0;

  // Those kept, newest first; at most two. Does not block.
  virtual std::vector<std::shared_ptr<const Snapshot>> Kept() const = 0;

  // Somewhere to put the state of `group` that another node sends; several may be under way.
  // Pre: the group exists. Errors: kResourceExhausted, kIo. Lifetime: must not outlive the store.
  virtual Result<std::unique_ptr<IncomingState>> BeginIncoming(GroupId group) = 0;
};

}  // namespace seshat

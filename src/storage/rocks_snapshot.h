// The port Snapshot: a checkpoint's folder, opened as a database of its own when somebody reads it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rocks_options.h"
#include "seshat/base/mutex.h"
#include "seshat/base/time.h"
#include "seshat/ports/snapshot_store.h"
#include "snapshot_folder.h"
#include "snapshot_metadata.h"
#include "stop_switch.h"

namespace seshat {

class SnapshotReader;

// Threads: thread-safe.
class RocksSnapshot : public Snapshot {
 public:
  // `stop`: what a failed read calls; null where no node runs.
  RocksSnapshot(const RocksOptions& options, StopSwitch* stop,
                std::shared_ptr<SnapshotFolder> folder, KeptMetadata metadata)
      : options_(options),
        stop_(stop),
        folder_(std::move(folder)),
        name_(folder_->path().filename()),
        metadata_(std::move(metadata)) {}

  const std::string& name() const override { return name_; }
  UnixMillis created_at() const override { return metadata_.created_at; }
  std::uint64_t size_bytes() const override { return metadata_.size_bytes; }
  const std::vector<GroupSnapshot>& groups() const override { return metadata_.groups; }
  Result<std::unique_ptr<StateView>> View(GroupId group) const override;

  SnapshotFolder& folder() const { return *folder_; }
  // Without a number until it was kept.
  const KeptMetadata& metadata() const { return metadata_; }

 private:
  Result<std::shared_ptr<const SnapshotReader>> Reader() const;

  const RocksOptions& options_;
  StopSwitch* const stop_;
  const std::shared_ptr<SnapshotFolder> folder_;
  const std::string name_;
  const KeptMetadata metadata_;

  // Held by the views: with the last of them the files are closed.
  mutable Mutex mutex_;
  mutable std::weak_ptr<const SnapshotReader> reader_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat

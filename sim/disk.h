// SimDisk: one machine's disk, as the LogStore and the StateStore of its node.
//
// Both share one write-ahead log, as in the storage layer: writes take effect at once, become
// durable when a sync covers them, and a crash loses a random tail of those that no sync covered.
// What it never does: lose or change a synced write, split a write, reorder writes.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rows.h"
#include "scheduler.h"
#include "seshat/ports/log_store.h"
#include "seshat/ports/state_store.h"

namespace seshat {

// Threads: owned by the simulation's thread.
class SimDisk : public LogStore, public StateStore {
 public:
  SimDisk(SimScheduler& scheduler, NodeId node);

  // LogStore
  std::vector<GroupId> Groups() const override;
  Status CreateGroup(GroupId group, std::string snapshot_row) override;
  Result<LogContents> Load(GroupId group) override;
  Result<std::vector<LogRecord>> Read(GroupId group, LogIndex first, LogIndex end,
                                      std::size_t bytes_max) override;
  void Write(LogWrite write, UniqueFunction<void()> on_durable) override;
  void RemoveCompacted(GroupId) override {}  // gone as soon as the log begins later

  // StateStore
  Result<Lookup> Get(GroupId group, std::string_view key, ReadTier tier) const override;
  Result<std::unique_ptr<StateView>> View(GroupId group) const override;
  void Write(GroupId group, StateBatch batch) override;

  // The node's process died. `loses_unsynced`: and the machine with it.
  void Crash(bool loses_unsynced);
  // A frozen process issues no new sync; one under way still ends.
  void SetPaused(bool is_paused);
  // How long a sync takes.
  void SetSyncLatency(Duration low, Duration high);

  // Called for each log write when it takes effect, before it does.
  void OnLogWrite(std::function<void(const LogWrite&)> observer) {
    observer_ = std::move(observer);
  }
  // Called once, when the next sync begins.
  void OnNextSync(UniqueFunction<void()> observer) { next_sync_observer_ = std::move(observer); }
  // The next sync does not end: `observer` runs when it would have.
  void FailNextSync(UniqueFunction<void()> observer) { failure_observer_ = std::move(observer); }
  // Of every row of the group as it is now: equal rows, equal digest.
  std::uint64_t StateDigest(GroupId group) const;
  // The record that a crash now would certainly leave; empty if there is none.
  std::optional<std::string> DurableRecord(GroupId group, LogIndex index) const;
  // The state row that a crash now would certainly leave; empty if there is none.
  std::optional<std::string> DurableState(GroupId group) const;
  // The record that Read would give.
  std::optional<std::string> CurrentRecord(GroupId group, LogIndex index) const;
  // Where the log begins, after a crash now and as it is.
  LogIndex DurableFirst(GroupId group) const;
  LogIndex CurrentFirst(GroupId group) const;
  // The group's state as it is now.
  std::shared_ptr<const Rows> CopyRows(GroupId group) const;

 private:
  struct GroupImage {
    std::optional<std::string> state_row;
    std::string snapshot_row;
    LogIndex first_index{1};
    std::deque<std::string> records;
    Rows rows;  // of the state store
  };
  using Image = std::map<GroupId, GroupImage>;
  struct StateWrite {
    GroupId group;
    StateBatch batch;
  };
  using Operation = std::variant<LogWrite, StateWrite>;
  struct QueuedWrite {
    LogWrite write;
    UniqueFunction<void()> on_durable;
  };

  static void ApplyTo(Image& image, const LogWrite& write);
  static void ApplyTo(Image& image, const StateWrite& write);
  static void ApplyTo(Image& image, const Operation& operation);
  static std::optional<std::string> RecordIn(const Image& image, GroupId group, LogIndex index);
  void Append(Operation operation);
  void StartSync();
  void FinishSync(std::size_t operations, std::vector<UniqueFunction<void()>> callbacks);

  SimScheduler& scheduler_;
  const NodeId node_;
  std::function<void(const LogWrite&)> observer_;
  UniqueFunction<void()> next_sync_observer_;
  UniqueFunction<void()> failure_observer_;
  Image durable_;
  Image current_;
  std::deque<Operation> unsynced_;  // what current_ has on top of durable_, oldest first
  std::vector<QueuedWrite> queue_;
  bool is_syncing_ = false;
  bool is_paused_ = false;
  std::uint64_t incarnation_ = 0;  // of the process that uses the disk
  Duration sync_low_ = std::chrono::microseconds(150);
  Duration sync_high_ = std::chrono::microseconds(400);
};

}  // namespace seshat

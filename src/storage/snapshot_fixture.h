// What the tests of snapshots and of state that comes in share.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage_fixture.h"

namespace seshat {

using StateRows = std::map<std::string, std::string>;

inline StateRows RowsOf(const StateView& view) {
  StateRows rows;
  const Status scanned = view.Scan("", "\xff", [&](std::string_view key, std::string_view value) {
    rows.emplace(key, value);
    return true;
  });
  EXPECT_TRUE(scanned) << scanned.error().message();
  return rows;
}

inline StateRows RowsOf(const Snapshot& snapshot, GroupId group = kFirstDataGroup) {
  const Result<std::unique_ptr<StateView>> view = snapshot.View(group);
  EXPECT_TRUE(view) << view.error().message();
  return view ? RowsOf(**view) : StateRows();
}

inline StateRows RowsOf(StorageEngine& engine, GroupId group = kFirstDataGroup) {
  return RowsOf(**engine.state().View(group));
}

// Everything that the folder holds, by relative name.
inline std::vector<std::string> NamesIn(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

// All of it added and finished.
inline Result<std::shared_ptr<IncomingState>> Receive(StorageEngine& engine, const StateRows& rows,
                                                      GroupId group = kFirstDataGroup) {
  Result<std::unique_ptr<IncomingState>> begun = engine.snapshots().BeginIncoming(group);
  if (!begun) return std::unexpected(begun.error());
  for (const auto& [key, value] : rows) {
    if (Status added = (*begun)->Add(key, value); !added) return std::unexpected(added.error());
  }
  if (Status done = (*begun)->Finish(); !done) return std::unexpected(done.error());
  return *std::move(begun);
}

inline LogWrite Installation(std::shared_ptr<IncomingState> state, std::uint64_t first,
                             std::string snapshot_row, GroupId group = kFirstDataGroup) {
  LogWrite write{.group = group, .truncate_from = {}, .records = {}, .state_row = {}};
  write.install = std::move(state);
  write.start = LogStart{.first_index = LogIndex(first), .snapshot_row = std::move(snapshot_row)};
  return write;
}

inline LogWrite Compaction(std::uint64_t first, std::string snapshot_row,
                           GroupId group = kFirstDataGroup) {
  return Installation(nullptr, first, std::move(snapshot_row), group);
}

class SnapshotFixture : public StorageFixture {
 protected:
  std::shared_ptr<Snapshot> Take(std::int64_t at = kNow) {
    Result<std::shared_ptr<Snapshot>> taken = engine_->snapshots().Take({at});
    EXPECT_TRUE(taken) << taken.error().message();
    return taken ? *std::move(taken) : nullptr;
  }
  std::shared_ptr<const Snapshot> TakeAndKeep(std::uint64_t index, std::int64_t at = kNow) {
    Result<std::shared_ptr<const Snapshot>> kept = engine_->snapshots().Keep(
        Take(at), LogIndex(index), {{.group = kFirstDataGroup, .metadata = Metadata(index)}});
    EXPECT_TRUE(kept) << kept.error().message();
    return kept ? *std::move(kept) : nullptr;
  }
  static std::string Metadata(std::uint64_t index) { return "up to " + std::to_string(index); }
  void Put(const std::string& key, const std::string& value) {
    engine_->state().Write(kFirstDataGroup, Puts({{key, value}}));
  }
  void Clear(std::vector<std::pair<std::string, std::string>> rows) {
    StateBatch clear = Puts(rows);
    clear.clear_all_but_prefix = "~";
    engine_->state().Write(kFirstDataGroup, std::move(clear));
  }
  std::vector<std::string> KeptNames() {
    std::vector<std::string> names;
    for (const auto& snapshot : engine_->snapshots().Kept()) names.push_back(snapshot->name());
    return names;
  }
  std::filesystem::path snapshots_dir() const { return options_.data_dir / "snapshots"; }
  std::filesystem::path incoming_dir() const { return options_.data_dir / "incoming"; }

  static constexpr std::int64_t kNow = 1'795'763'768'123;  // 2026-11-27 07:16:08
};

}  // namespace seshat

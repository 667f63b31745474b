#include "restored_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "state_codec.h"

namespace seshat {
namespace {

template <typename T>
std::unexpected<Error> InRow(Result<T> failed, GroupId group, std::string_view row) {
  return std::unexpected(
      std::move(failed).error().WithContext(fmt::format("group {}, row {}", group.value(), row)));
}

}  // namespace

Status RestoreHardState(GroupId group, const LogContents& contents, RestoredState& restored) {
  restored.is_restart = contents.state_row.has_value();
  if (!contents.state_row) return {};
  Result<HardState> hard_state = DecodeHardState(*contents.state_row);
  if (!hard_state) return InRow(std::move(hard_state), group, "state");
  restored.hard_state = *hard_state;
  return {};
}

Status RestoreSnapshot(GroupId group, const LogContents& contents, RestoredState& restored) {
  if (!contents.snapshot_row) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("group {} has no row snapshot", group.value()));
  }
  Result<SnapshotDescriptor> snapshot = DecodeSnapshotMetadata(*contents.snapshot_row);
  if (!snapshot) return InRow(std::move(snapshot), group, "snapshot");
  restored.snapshot = *std::move(snapshot);
  restored.last_index = std::max(contents.last_index, restored.snapshot.index);
  return {};
}

Result<EntryView> RestoreRecord(LogIndex index, std::string_view value, RestoredState& restored) {
  Result<EntryView> view = DecodeEntryView(value);
  if (!view) return view;
  const Entry& entry = view->entry;
  if (entry.index != index) {
    return MakeError(ErrorCode::kCorruption, "the record holds another entry");
  }
  if (restored.terms.empty() || restored.terms.back().term != entry.term) {
    restored.terms.push_back({entry.index, entry.term});
  }
  if (entry.type == EntryType::kConfig) {
    Result<Configuration> configuration = DecodeConfiguration(view->data);
    if (!configuration) return std::unexpected(std::move(configuration).error());
    restored.configurations.emplace_back(entry.index, *std::move(configuration));
  }
  return view;
}

}  // namespace seshat

// Reads a group back from its disk.
//
// Every record's header is decoded once at start: the core wants the terms, and a log that does not
// decode must stop the node now, not when a follower first asks for it.
#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "entry_codec.h"
#include "group_driver_impl.h"
#include "state_codec.h"

namespace seshat {
namespace {

constexpr std::size_t kReadBytes = 4 << 20;

template <typename T>
std::unexpected<Error> InRow(Result<T> failed, GroupId group, std::string_view row) {
  return std::unexpected(
      std::move(failed).error().WithContext(fmt::format("group {}, row {}", group.value(), row)));
}

Status AddRecord(const LogRecord& record, LoadedGroup& loaded) {
  Result<EntryView> view = DecodeEntryView(record.value);
  if (!view) return std::unexpected(std::move(view).error());
  const Entry& entry = view->entry;
  if (entry.index != record.index) {
    return MakeError(ErrorCode::kCorruption, "the record holds another entry");
  }
  RestoredState& restored = loaded.restored;
  if (restored.terms.empty() || restored.terms.back().term != entry.term) {
    restored.terms.push_back({entry.index, entry.term});
  }
  if (entry.type == EntryType::kConfig) {
    Result<Configuration> configuration = DecodeConfiguration(view->data);
    if (!configuration) return std::unexpected(std::move(configuration).error());
    restored.configurations.emplace_back(entry.index, *std::move(configuration));
  }
  loaded.log_sizes.Append(record.value.size());
  return {};
}

}  // namespace

Result<LoadedGroup> LoadGroup(GroupId group, LogStore& log, LogIndex applied) {
  Result<LogContents> contents = log.Load(group);
  if (!contents) return std::unexpected(std::move(contents).error());

  LoadedGroup loaded;
  RestoredState& restored = loaded.restored;
  if (contents->state_row) {
    Result<HardState> hard_state = DecodeHardState(*contents->state_row);
    if (!hard_state) return InRow(std::move(hard_state), group, "state");
    restored.hard_state = *hard_state;
  }
  if (!contents->snapshot_row) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("group {} has no row snapshot", group.value()));
  }
  Result<SnapshotDescriptor> snapshot = DecodeSnapshotMetadata(*contents->snapshot_row);
  if (!snapshot) return InRow(std::move(snapshot), group, "snapshot");
  restored.snapshot = *std::move(snapshot);
  restored.last_index = std::max(contents->last_index, restored.snapshot.index);
  restored.applied = applied;
  restored.is_restart = contents->state_row.has_value();

  loaded.log_sizes = LogSizes(contents->first_index);
  const LogIndex end = contents->last_index.Next();
  for (LogIndex next = contents->first_index; next < end;) {
    Result<std::vector<LogRecord>> records = log.Read(group, next, end, kReadBytes);
    if (!records) return std::unexpected(std::move(records).error());
    for (const LogRecord& record : *records) {
      if (record.index != next) {
        return MakeError(ErrorCode::kCorruption, fmt::format("group {}, log record {} is missing",
                                                             group.value(), next.value()));
      }
      if (Status status = AddRecord(record, loaded); !status) {
        return std::unexpected(std::move(status).error().WithContext(
            fmt::format("group {}, log record {}", group.value(), record.index.value())));
      }
      next = next.Next();
    }
  }
  if (Status status = ValidateRestoredState(restored); !status) {
    return std::unexpected(
        std::move(status).error().WithContext(fmt::format("group {}", group.value())));
  }
  return loaded;
}

}  // namespace seshat

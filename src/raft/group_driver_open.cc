// Reads a group back from its disk.
//
// Every record's header is decoded once at start: the core wants the terms, and a log that does not
// decode must stop the node now, not when a follower first asks for it.
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "group_driver_impl.h"
#include "restored_rows.h"

namespace seshat {
namespace {

constexpr std::size_t kReadBytes = 4 << 20;

}  // namespace

Result<LoadedGroup> LoadGroup(GroupId group, LogStore& log, LogIndex applied) {
  Result<LogContents> contents = log.Load(group);
  if (!contents) return std::unexpected(std::move(contents).error());

  LoadedGroup loaded;
  RestoredState& restored = loaded.restored;
  if (Status rows = RestoreHardState(group, *contents, restored); !rows) {
    return std::unexpected(std::move(rows).error());
  }
  if (Status rows = RestoreSnapshot(group, *contents, restored); !rows) {
    return std::unexpected(std::move(rows).error());
  }
  restored.applied = applied;

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
      const Result<EntryView> entry = RestoreRecord(record.index, record.value, restored);
      if (!entry) {
        return std::unexpected(Error(entry.error())
                                   .WithContext(fmt::format("group {}, log record {}",
                                                            group.value(), record.index.value())));
      }
      loaded.log_sizes.Append(record.value.size());
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

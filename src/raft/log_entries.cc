#include "log_entries.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "entry_codec.h"

namespace seshat {

Result<std::vector<Entry>> ReadEntries(GroupId group, LogStore& log, LogIndex first, LogIndex end,
                                       std::size_t bytes_max) {
  Result<std::vector<LogRecord>> records = log.Read(group, first, end, bytes_max);
  if (!records) return std::unexpected(std::move(records).error());
  std::vector<Entry> entries;
  entries.reserve(records->size());
  for (const LogRecord& record : *records) {
    Result<Entry> entry = DecodeEntry(record.value);
    if (entry && entry->index != record.index) {
      entry = MakeError(ErrorCode::kCorruption, "the record holds another entry");
    }
    if (!entry) {
      return std::unexpected(std::move(entry).error().WithContext(
          fmt::format("group {}, log record {}", group.value(), record.index.value())));
    }
    entries.push_back(*std::move(entry));
  }
  return entries;
}

CommittedEntry AsCommitted(Entry entry) {
  CommittedEntry committed;
  committed.term = entry.term;
  committed.index = entry.index;
  committed.type = entry.type;
  committed.feature_level = entry.feature_level;
  committed.data = std::move(entry.data);
  return committed;
}

Status DecodeCommands(GroupId group, CommittedEntry& entry) {
  if (entry.type != EntryType::kNormal) return {};
  const std::string_view data = entry.data ? std::string_view(*entry.data) : std::string_view();
  Result<ProposalBatchView> view = DecodeProposalBatch(data);
  if (!view) {
    return std::unexpected(std::move(view).error().WithContext(
        fmt::format("group {}, log entry {}", group.value(), entry.index.value())));
  }
  entry.stamp = view->stamp;
  entry.commands = std::move(view->commands);
  return {};
}

}  // namespace seshat

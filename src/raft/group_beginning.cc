#include "seshat/raft/group_beginning.h"

#include <utility>
#include <vector>

#include "group_driver_impl.h"
#include "log_entries.h"
#include "state_codec.h"

namespace seshat {
namespace {

constexpr std::size_t kApplyBytes = std::size_t{4} << 20;

}  // namespace

GroupBeginning BeginBehind(LogIndex applied, Term highest, const Configuration& members,
                           UnixMillis now) {
  GroupBeginning beginning;
  beginning.index = applied.Next();
  beginning.term = Term(highest.value() + 1);
  beginning.snapshot_row = EncodeSnapshotMetadata(
      {.index = beginning.index, .term = beginning.term, .configuration = members}, now);
  beginning.state_row =
      EncodeHardState({.term = beginning.term, .vote = kNoNode, .commit = beginning.index});
  return beginning;
}

Result<Term> ReplayLog(GroupId group, LogStore& log, StateMachine& machine) {
  const Result<LoadedGroup> loaded = LoadGroup(group, log, machine.AppliedIndex());
  if (!loaded) return std::unexpected(loaded.error());
  const RestoredState& restored = loaded->restored;
  const LogIndex end = restored.last_index.Next();
  for (LogIndex next = machine.AppliedIndex().Next(); next < end;) {
    Result<std::vector<Entry>> entries = ReadEntries(group, log, next, end, kApplyBytes);
    if (!entries) return std::unexpected(entries.error());
    next = entries->back().index.Next();
    std::vector<CommittedEntry> committed;
    for (Entry& entry : *entries) committed.push_back(AsCommitted(std::move(entry)));
    for (CommittedEntry& entry : committed) {
      if (Status decoded = DecodeCommands(group, entry); !decoded) {
        return std::unexpected(decoded.error());
      }
    }
    if (Status applied = machine.Apply(std::move(committed)); !applied) {
      return std::unexpected(applied.error());
    }
  }
  return restored.hard_state.term;
}

}  // namespace seshat

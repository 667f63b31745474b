#include "snapshot_inspection.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "seshat/raft/group_audit.h"
#include "seshat/service/state_inspection.h"

namespace seshat {
namespace {

void AddDamage(const Snapshot& snapshot, std::string_view what, DirectoryFindings& findings) {
  findings.damage.push_back(fmt::format("{}: {}", snapshot.name(), what));
}

// What the rows come to, next to what the metadata promises.
void CompareGroup(const Snapshot& snapshot, GroupId group, const SnapshotDescriptor& promised,
                  const InspectedState& found, DirectoryFindings& findings) {
  const auto compare = [&](std::string_view what, std::uint64_t said, std::uint64_t held) {
    if (said == held) return;
    AddDamage(snapshot,
              fmt::format("group {}: METADATA says {} {}, its files hold {}", group.value(), what,
                          said, held),
              findings);
  };
  if (found.applied) {
    compare("index", promised.index.value(), found.applied->index.value());
    compare("term", promised.term.value(), found.applied->term.value());
  }
  compare("keys", promised.key_count, found.key_count);
  if (promised.digest != found.digest) {
    AddDamage(snapshot,
              fmt::format("group {}: METADATA says digest {:016x}, its files come to {:016x}",
                          group.value(), promised.digest, found.digest),
              findings);
  }
}

}  // namespace

InspectedMembers MembersOf(const Configuration& configuration) {
  return {.voters = configuration.voters,
          .voters_outgoing = configuration.voters_outgoing,
          .learners = configuration.learners};
}

InspectedSnapshot DescribeSnapshot(const Snapshot& snapshot, DirectoryFindings& findings) {
  InspectedSnapshot inspected{.name = snapshot.name(),
                              .created_at = snapshot.created_at(),
                              .size_bytes = snapshot.size_bytes(),
                              .groups = {}};
  for (const GroupSnapshot& group : snapshot.groups()) {
    const Result<SnapshotDescriptor> described = DescribeGroupSnapshot(group);
    if (!described) {
      AddDamage(snapshot, described.error().message(), findings);
      continue;
    }
    inspected.groups.push_back({.group = group.group,
                                .index = described->index,
                                .term = described->term,
                                .key_count = described->key_count,
                                .digest = described->digest,
                                .members = MembersOf(described->configuration)});
  }
  return inspected;
}

void VerifySnapshot(const DirectoryReader& reader, const Snapshot& snapshot,
                    DirectoryFindings& findings) {
  reader.CheckTablesOf(snapshot, findings);
  VerifyState(snapshot, findings);
}

void VerifyState(const Snapshot& snapshot, DirectoryFindings& findings) {
  for (const GroupSnapshot& group : snapshot.groups()) {
    const Result<SnapshotDescriptor> promised = DescribeGroupSnapshot(group);
    if (!promised) continue;  // DescribeSnapshot has said so
    const Result<std::unique_ptr<StateView>> view = snapshot.View(group.group);
    if (!view) {
      AddDamage(snapshot, view.error().message(), findings);
      continue;
    }
    const Result<InspectedState> found = InspectState(group.group, **view);
    if (!found) {
      AddDamage(snapshot, found.error().message(), findings);
      continue;
    }
    for (const std::string& problem : found->problems) AddDamage(snapshot, problem, findings);
    CompareGroup(snapshot, group.group, *promised, *found, findings);
  }
}

}  // namespace seshat

#include "seshat/node/directory_inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "data_directory.h"
#include "seshat/raft/group_audit.h"
#include "seshat/service/state_inspection.h"
#include "seshat/storage/directory_reader.h"
#include "seshat/storage/identity_file.h"
#include "snapshot_inspection.h"

namespace seshat {
namespace {

// A directory while it is inspected.
// Threads: owned by its user.
class DirectoryInspector {
 public:
  DirectoryInspector(const InspectionOptions& options, DirectoryReader& reader)
      : options_(options), reader_(reader) {}

  Result<DirectoryInspection> Run();

 private:
  void TakeIdentity();
  InspectedGroup InspectGroup(const GroupGenerations& generations);
  void InspectRows(InspectedGroup& group, std::optional<GroupAudit::Applied>& applied);
  void InspectLog(InspectedGroup& group, std::optional<GroupAudit::Applied> applied);
  void AddEntry(const AuditedEntry& entry, InspectedGroup& group);
  bool IsAskedFor(LogIndex index) const;
  bool IsResumed() const {
    return inspection_.identity && !options_.resumed.empty() &&
           inspection_.identity->unfinished == options_.resumed;
  }
  void CheckClusterId(const std::string& cluster_id);

  const InspectionOptions& options_;
  DirectoryReader& reader_;
  std::string identity_cluster_id_;  // as it is, 16 bytes
  DirectoryFindings findings_;
  DirectoryInspection inspection_;
};

Result<DirectoryInspection> DirectoryInspector::Run() {
  TakeIdentity();
  reader_.CheckLogFiles(findings_);
  const bool is_open = reader_.OpenDatabase(findings_);
  reader_.CheckTables(findings_);
  bool has_group = false;
  for (const GroupGenerations& generations : reader_.Groups()) {
    InspectedGroup group = InspectGroup(generations);
    if (options_.group && *options_.group != group.group) continue;
    has_group = true;
    inspection_.groups.push_back(std::move(group));
  }
  if (is_open && options_.group && !has_group) {
    return MakeError(
        ErrorCode::kNotFound,
        fmt::format("{} holds no group {}", options_.data_dir.string(), options_.group->value()));
  }
  for (const std::shared_ptr<const Snapshot>& snapshot : reader_.Snapshots(findings_)) {
    inspection_.snapshots.push_back(DescribeSnapshot(*snapshot, findings_));
    VerifySnapshot(reader_, *snapshot, findings_);
  }
  inspection_.damage = std::move(findings_.damage);
  inspection_.notes = std::move(findings_.notes);
  return std::move(inspection_);
}

void DirectoryInspector::TakeIdentity() {
  const Result<std::optional<NodeIdentity>> identity = ReadIdentity(options_.data_dir);
  if (!identity) {
    findings_.damage.push_back(identity.error().message());
    return;
  }
  const std::string path = (options_.data_dir / "IDENTITY").string();
  if (!identity->has_value()) {
    findings_.damage.push_back(path + " is missing: nothing says whose directory this is");
    return;
  }
  const NodeIdentity& known = **identity;
  identity_cluster_id_ = known.cluster_id;
  inspection_.identity = InspectedIdentity{.format_version = kIdentityFormatVersion,
                                           .node = known.node_id,
                                           .cluster_id = ToHex(known.cluster_id),
                                           .store_id = ToHex(known.store_id),
                                           .quarantine = known.quarantine,
                                           .unfinished = known.unfinished};
  if (!known.quarantine.empty()) {
    findings_.damage.push_back(fmt::format("{}: in quarantine: {}", path, known.quarantine));
  }
  if (!known.unfinished.empty() && !IsResumed()) {
    findings_.damage.push_back(
        fmt::format("{}: `{}` was interrupted in here: run it again", path, known.unfinished));
  }
}

InspectedGroup DirectoryInspector::InspectGroup(const GroupGenerations& generations) {
  InspectedGroup group;
  group.group = generations.group;
  group.log_generation = generations.log;
  group.state_generation = generations.state;
  group.kv_generation = generations.kv;
  std::optional<GroupAudit::Applied> applied;
  InspectRows(group, applied);
  InspectLog(group, applied);
  return group;
}

void DirectoryInspector::InspectRows(InspectedGroup& group,
                                     std::optional<GroupAudit::Applied>& applied) {
  const Result<InspectedState> state = InspectState(group.group, *reader_.View(group.group));
  if (!state) {
    findings_.damage.push_back(state.error().message());
    return;
  }
  std::ranges::copy(state->problems, std::back_inserter(findings_.damage));
  group.key_count = state->key_count;
  group.digest = state->digest;
  if (group.group == kSystemGroup) CheckClusterId(state->cluster_id);
  if (!state->applied) return;
  group.applied = state->applied->index;
  group.applied_term = state->applied->term;
  group.clock = state->applied->clock;
  group.revision = state->applied->revision.value();
  applied = GroupAudit::Applied{.index = group.applied, .term = group.applied_term};
}

// A crash may leave either without it: IDENTITY is written after the row, but the row is not
// synced.
void DirectoryInspector::CheckClusterId(const std::string& cluster_id) {
  if (identity_cluster_id_.empty() || cluster_id.empty()) return;
  if (identity_cluster_id_ == cluster_id || IsResumed()) return;
  findings_.damage.push_back(fmt::format("{}: its cluster is {}, the system group's is {}",
                                         (options_.data_dir / "IDENTITY").string(),
                                         ToHex(identity_cluster_id_), ToHex(cluster_id)));
}

void DirectoryInspector::InspectLog(InspectedGroup& group,
                                    std::optional<GroupAudit::Applied> applied) {
  const Result<LogContents> contents = reader_.Load(group.group);
  if (!contents) {
    findings_.damage.push_back(contents.error().message());
    return;
  }
  GroupAudit audit(group.group, *contents);
  group.first = contents->first_index;
  const Status scanned = reader_.ScanLog(group.group, [&](LogIndex index, std::string_view record) {
    if (index < group.first) {
      ++group.compacted_records;
      return;
    }
    const std::optional<AuditedEntry> entry = audit.Add(index, record);
    if (entry) AddEntry(*entry, group);
  });
  // What could not be read is not missing.
  if (scanned) {
    audit.Finish(applied);
  } else {
    findings_.damage.push_back(scanned.error().message());
  }
  std::ranges::copy(audit.problems(), std::back_inserter(findings_.damage));

  group.last = contents->last_index;
  group.last_term = audit.last_term();
  group.records = audit.records();
  group.log_bytes = audit.bytes();
  if (const std::optional<HardState>& state = audit.hard_state()) {
    group.term = state->term;
    group.vote = state->vote;
    group.commit = state->commit;
    group.promise = state->promise;
  }
  if (const std::optional<SnapshotDescriptor>& snapshot = audit.snapshot()) {
    group.compacted_to = snapshot->index;
    group.compacted_term = snapshot->term;
    group.members = MembersOf(snapshot->configuration);
  }
}

bool DirectoryInspector::IsAskedFor(LogIndex index) const {
  if (!options_.entries_from && !options_.entries_to) return false;
  return index >= options_.entries_from.value_or(index) &&
         index <= options_.entries_to.value_or(index);
}

// Every command is decoded, shown or not: a node would find out only when it applies it.
void DirectoryInspector::AddEntry(const AuditedEntry& entry, InspectedGroup& group) {
  InspectedEntry shown{.index = entry.index,
                       .term = entry.term,
                       .type = std::string(ToString(entry.type)),
                       .stamp = {},
                       .commands = {},
                       .members = {}};
  const bool is_shown = IsAskedFor(entry.index);
  if (entry.type == EntryType::kNormal) shown.stamp = entry.stamp;
  if (entry.configuration) shown.members = MembersOf(*entry.configuration);
  for (const std::string_view bytes : entry.commands) {
    Result<InspectedCommand> command = InspectCommand(group.group, bytes);
    if (!command) {
      findings_.damage.push_back(fmt::format("group {}, log record {}: {}", group.group.value(),
                                             entry.index.value(), command.error().message()));
    } else if (is_shown) {
      if (!options_.with_arguments) command->arguments.clear();
      shown.commands.push_back({.name = std::move(command->name),
                                .keys = std::move(command->keys),
                                .arguments = std::move(command->arguments)});
    }
  }
  if (is_shown) group.entries.push_back(std::move(shown));
}

}  // namespace

Result<DirectoryInspection> InspectDirectory(const InspectionOptions& options) {
  const Result<std::unique_ptr<DirectoryReader>> reader = DirectoryReader::Open(options.data_dir);
  if (!reader) return std::unexpected(reader.error());
  return DirectoryInspector(options, **reader).Run();
}

Result<SnapshotsInspection> ListSnapshots(const std::filesystem::path& data_dir) {
  const Result<std::unique_ptr<DirectoryReader>> reader = DirectoryReader::Open(data_dir);
  if (!reader) return std::unexpected(reader.error());
  SnapshotsInspection inspection;
  DirectoryFindings findings;
  for (const std::shared_ptr<const Snapshot>& snapshot : (*reader)->Snapshots(findings)) {
    inspection.snapshots.push_back(DescribeSnapshot(*snapshot, findings));
  }
  inspection.damage = std::move(findings.damage);
  return inspection;
}

Result<SnapshotsInspection> VerifySnapshots(const std::filesystem::path& data_dir,
                                            const std::string& name) {
  const Result<std::unique_ptr<DirectoryReader>> reader = DirectoryReader::Open(data_dir);
  if (!reader) return std::unexpected(reader.error());
  SnapshotsInspection inspection;
  DirectoryFindings findings;
  const std::vector<std::shared_ptr<const Snapshot>> snapshots = (*reader)->Snapshots(findings);
  if (!name.empty()) {
    // Another one that cannot be used is not what was asked about.
    const std::string folder = (data_dir / "snapshots" / name / "").string();
    std::erase_if(findings.damage,
                  [&](const std::string& damage) { return !damage.contains(folder); });
  }
  for (const std::shared_ptr<const Snapshot>& snapshot : snapshots) {
    if (!name.empty() && snapshot->name() != name) continue;
    inspection.snapshots.push_back(DescribeSnapshot(*snapshot, findings));
    VerifySnapshot(**reader, *snapshot, findings);
  }
  if (!name.empty() && inspection.snapshots.empty() && findings.damage.empty()) {
    return MakeError(ErrorCode::kNotFound,
                     fmt::format("{} holds no snapshot {}", data_dir.string(), name));
  }
  inspection.damage = std::move(findings.damage);
  return inspection;
}

}  // namespace seshat

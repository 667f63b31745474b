#include "directory_rewrite.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "seshat/base/check.h"
#include "seshat/commands/key_layout.h"
#include "seshat/raft/group_beginning.h"
#include "seshat/service/cluster_rows.h"

namespace seshat {
namespace {

NewBeginning BeginningOf(MovingGroup group, const ClusterState& cluster, UnixMillis now) {
  Configuration members;
  for (const ClusterMember& member : cluster.members) members.voters.push_back(member.id);
  GroupBeginning beginning = BeginBehind(group.applied.index, group.highest, members, now);
  NewBeginning written{.group = group.group,
                       .state = std::move(group.state),
                       .rows = {},
                       .first_index = beginning.FirstIndex(),
                       .snapshot_row = std::move(beginning.snapshot_row),
                       .state_row = std::move(beginning.state_row)};
  if (group.group == kSystemGroup) written.rows = ClusterRows(cluster);
  group.applied.index = beginning.index;
  group.applied.term = beginning.term;
  written.rows.push_back(
      {.key = std::string(kAppliedRowKey), .value = EncodeAppliedState(group.applied)});
  return written;
}

}  // namespace

DirectoryRewrite::DirectoryRewrite(std::filesystem::path data_dir, NodeIdentity marked,
                                   const OfflinePorts& ports, std::unique_ptr<StorageEngine> engine)
    : data_dir_(std::move(data_dir)),
      marked_(std::move(marked)),
      ports_(ports),
      engine_(std::move(engine)) {}

Result<DirectoryRewrite> DirectoryRewrite::Begin(const std::filesystem::path& data_dir,
                                                 const std::optional<NodeIdentity>& expected,
                                                 NodeIdentity marked, const OfflinePorts& ports) {
  SESHAT_CHECK(!marked.unfinished.empty());
  StorageOptions options;
  options.data_dir = data_dir;
  options.env = ports.env;
  Result<std::unique_ptr<StorageEngine>> engine =
      StorageEngine::Open(options, *ports.fatal, *ports.metrics, marked.node_id);
  if (!engine) return std::unexpected(engine.error());
  // From here on no node can have the directory: what was read before must still be so.
  const Result<std::optional<NodeIdentity>> on_disk = ReadIdentity(data_dir);
  if (!on_disk) return std::unexpected(on_disk.error());
  if (*on_disk != expected) {
    return MakeError(
        ErrorCode::kFailedPrecondition,
        fmt::format("{} was changed by somebody else meanwhile", (data_dir / "IDENTITY").string()));
  }
  if (Status written = WriteIdentity(data_dir, marked); !written) {
    return std::unexpected(written.error());
  }
  return DirectoryRewrite(data_dir, std::move(marked), ports, *std::move(engine));
}

Status DirectoryRewrite::Finish(const ClusterState& cluster, std::vector<MovingGroup> groups) {
  std::vector<NewBeginning> beginnings;
  for (MovingGroup& group : groups) {
    beginnings.push_back(BeginningOf(std::move(group), cluster, ports_.clock->WallNow()));
  }
  if (Status begun = engine_->BeginAnew(beginnings); !begun) return begun;
  NodeIdentity identity = marked_;
  identity.cluster_id = cluster.cluster_id;
  identity.unfinished.clear();
  return WriteIdentity(data_dir_, identity);
}

Error DamageError(const std::vector<std::string>& damage) {
  return Error(ErrorCode::kCorruption, fmt::format("{}", fmt::join(damage, "\n")));
}

}  // namespace seshat

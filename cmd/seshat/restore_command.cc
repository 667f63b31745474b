#include "restore_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "inspection_output.h"
#include "seshat/admin/group_names.h"
#include "seshat/node/snapshot_restore.h"

namespace seshat {
namespace {

std::string ListOf(const std::vector<FoundingMember>& members) {
  std::string list;
  for (const FoundingMember& member : members) {
    list += fmt::format("{}{}={}", list.empty() ? "" : ",", member.node.value(),
                        member.internal_address.ToString());
  }
  return list;
}

void Print(const RestoreOptions& options, const RestoredDirectory& restored) {
  fmt::print("restored {} to {} for node {}\n", restored.snapshot, options.data_dir.string(),
             options.node.value());
  fmt::print("  cluster    {}, new; it was {}\n", restored.cluster_id, restored.former_cluster_id);
  fmt::print("  members    {}\n", ListOf(options.members));
  for (const RestoredGroup& group : restored.groups) {
    fmt::print("  {:<10} {} keys, digest {:016x}, as of index {}, term {}\n",
               GroupName(group.group), group.key_count, group.digest, group.index.value(),
               group.term.value());
  }
  if (options.members.size() == 1) return;
  fmt::print(
      "Restore the same snapshot with the same members on each of the others, then start them.\n");
}

}  // namespace

int RunRestore(const RestoreCommandOptions& options) {
  RestoreOptions restore{.snapshot = options.snapshot,
                         .data_dir = options.data_dir,
                         .node = NodeId(options.node_id),
                         .members = {},
                         .cluster_name = options.cluster_name};
  if (options.initial_members.empty()) {
    restore.members = {{restore.node, NodeConfig().internal_addr}};
  } else {
    Result<std::vector<FoundingMember>> members = ParseFoundingMembers(options.initial_members);
    if (!members) {
      fmt::print(stderr, "seshat snapshot restore: --initial-members {}: allowed: {}\n",
                 options.initial_members, members.error().message());
      return 2;
    }
    restore.members = *std::move(members);
  }
  const Result<RestoredDirectory> restored = RestoreSnapshot(restore);
  if (restored) {
    Print(restore, *restored);
    return 0;
  }
  return PrintFailure("seshat snapshot restore", restored.error());
}

}  // namespace seshat

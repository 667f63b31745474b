#include "recover_command.h"

#include <fmt/format.h>

#include <cstdio>

#include "inspection_output.h"
#include "seshat/admin/group_names.h"
#include "seshat/node/directory_recovery.h"

namespace seshat {
namespace {

constexpr int kExitRefused = 2;

void PrintPlan(const RecoveryPlan& plan) {
  fmt::print("node         {}\n", plan.node.value());
  fmt::print("cluster      {}{}\n", plan.cluster_id,
             plan.is_resumed ? ", a recovery of it was interrupted here" : "");
  for (const RecoveryMember& member : plan.members) {
    fmt::print("member       {} at {}{}\n", member.node.value(), member.internal_address,
               member.node == plan.node ? ", this node" : "");
  }
  for (const RecoveryGroup& group : plan.groups) {
    fmt::print(
        "{:<12} last entry {} of term {}; {} keys, applied up to {}, committed at least up to {}\n",
        GroupName(group.group), group.last.value(), group.last_term.value(), group.key_count,
        group.applied.value(), group.commit.value());
  }
}

void PrintWarning(const RecoveryPlan& plan) {
  fmt::print(
      "\n"
      "Recovery makes node {} the only member of a NEW cluster, with what its log holds.\n"
      "DATA MAY BE LOST: every acknowledged write that this node does not hold. Writes behind the\n"
      "committed index, whose outcome nobody knows, will count as done. The other members can "
      "never\n"
      "come back with their data: use it only when a majority of them is lost for good, and on "
      "the\n"
      "survivor whose last entries are of the highest term, then of the highest index.\n",
      plan.node.value());
}

}  // namespace

int RunRecover(const RecoverCommandOptions& options) {
  const Result<RecoveryPlan> plan = PlanRecovery(options.data_dir);
  if (!plan) return PrintFailure("seshat recover", plan.error());
  PrintPlan(*plan);
  PrintWarning(*plan);
  if (!options.accepts_data_loss) {
    fflush(stdout);
    fmt::print(stderr,
               "seshat recover: nothing was changed: allowed: --accept-data-loss, once you do\n");
    return kExitRefused;
  }
  const Result<RecoveredDirectory> recovered = RecoverDirectory(options.data_dir);
  if (!recovered) return PrintFailure("seshat recover", recovered.error());
  fmt::print("\nrecovered: node {} is the only member of cluster {}\n", plan->node.value(),
             recovered->cluster_id);
  for (const RecoveryGroup& group : recovered->groups) {
    fmt::print("{:<12} {}applied up to entry {} of term {}\n", GroupName(group.group),
               group.group == kSystemGroup ? "" : fmt::format("{} keys, ", group.key_count),
               group.applied.value(), group.last_term.value());
  }
  return 0;
}

}  // namespace seshat

#include "member_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "admin_questions.h"
#include "seshat/admin/group_names.h"

namespace seshat {
namespace {

bool Has(const std::vector<NodeId>& nodes, NodeId node) {
  return std::ranges::count(nodes, node) > 0;
}

const GroupReport* FindGroup(const StatusReport& status, GroupId group) {
  const auto found = std::ranges::find(status.groups, group, &GroupReport::group);
  return found == status.groups.end() ? nullptr : &*found;
}

// As that member itself sees it; nothing where it cannot be asked.
std::optional<StatusReport> StatusOf(const StatusReport& status, NodeId node) {
  if (node == status.node) return status;
  const MemberReport* const member = FindMember(status, node);
  if (member == nullptr || member->admin_address.empty()) return std::nullopt;
  Result<StatusReport> report = AskStatus(member->admin_address);
  if (!report || report->node != node) return std::nullopt;
  return *std::move(report);
}

double Share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 1 : std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
}

std::optional<MemberProgress> FetchProgress(const StatusReport& status, NodeId node,
                                            const GroupReport& group) {
  const std::optional<StatusReport> own = StatusOf(status, node);
  const GroupReport* const replica = own ? FindGroup(*own, group.group) : nullptr;
  if (replica == nullptr || replica->fetching.index == LogIndex{}) return std::nullopt;
  const FetchReport& fetch = replica->fetching;
  return MemberProgress{
      .text = fmt::format("node {} fetches a snapshot of group {}: {} of {} keys, {}", node.value(),
                          GroupName(group.group), fetch.keys_received, fetch.keys,
                          SizeText(fetch.bytes_received)),
      .done = Share(fetch.keys_received, fetch.keys)};
}

// A learner that every entry has still to reach, or that votes before the cluster has noted it.
MemberProgress LearnerProgress(const StatusReport& status, NodeId node, const GroupReport& group) {
  if (auto fetch = FetchProgress(status, node, group)) return *std::move(fetch);
  MemberProgress progress;
  progress.text =
      fmt::format("node {} is a learner of group {}", node.value(), GroupName(group.group));
  const std::optional<StatusReport> leader = StatusOf(status, group.leader);
  const GroupReport* const led = leader ? FindGroup(*leader, group.group) : nullptr;
  if (led == nullptr) return progress;
  for (const FollowerReport& follower : led->followers) {
    if (follower.node != node) continue;
    progress.text += follower.is_active ? fmt::format(": {} of {} entries", follower.match.value(),
                                                      led->last.value())
                                        : std::string(": it does not answer");
    progress.done = Share(follower.match.value(), led->last.value());
  }
  return progress;
}

}  // namespace

const MemberReport* FindMember(const StatusReport& status, NodeId node) {
  const auto found = std::ranges::find(status.members, node, &MemberReport::node);
  return found == status.members.end() ? nullptr : &*found;
}

bool IsVoter(const StatusReport& status, NodeId node) {
  const MemberReport* const member = FindMember(status, node);
  return member != nullptr && member->state == "voter" && !status.groups.empty() &&
         std::ranges::all_of(status.groups, [&](const GroupReport& group) {
           return Has(group.voters, node) && !Has(group.learners, node);
         });
}

MemberProgress ProgressOf(const StatusReport& status, NodeId node) {
  const MemberReport* const member = FindMember(status, node);
  if (member == nullptr) {
    return {.text = fmt::format("node {} is no member", node.value()), .done = std::nullopt};
  }
  const bool is_leaving = member->state == "leaving";
  if (!is_leaving && member->admin_address.empty()) {
    return {.text = fmt::format("waiting for node {} to join", node.value()), .done = std::nullopt};
  }
  for (const GroupReport& group : status.groups) {
    const bool is_voter = Has(group.voters, node);
    if (is_leaving && (is_voter || Has(group.learners, node))) {
      return {.text = fmt::format("node {} leaves group {}", node.value(), GroupName(group.group)),
              .done = std::nullopt};
    }
    if (!is_leaving && !is_voter) return LearnerProgress(status, node, group);
  }
  return {.text = fmt::format("node {}: the cluster takes note", node.value()),
          .done = std::nullopt};
}

ProgressLine::ProgressLine() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (is_terminal_ && !last_text_.empty()) fmt::print(stderr, "\r\x1b[K");
}

void ProgressLine::Show(const MemberProgress& progress) {
  constexpr int kWidth = 30;
  if (!is_terminal_ && progress.text == last_text_) return;
  last_text_ = progress.text;
  if (!is_terminal_) {
    fmt::print(stderr, "{}\n", progress.text);
  } else if (progress.done) {
    const int full = static_cast<int>(*progress.done * kWidth);
    fmt::print(stderr, "\r\x1b[K[{:#<{}}{:.<{}}] {}", "", full, "", kWidth - full, progress.text);
  } else {
    fmt::print(stderr, "\r\x1b[K{}", progress.text);
  }
  std::fflush(stderr);
}

std::string SizeText(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1 << 10) return fmt::format("{} bytes", bytes);
  if (bytes < 1 << 20) return fmt::format("{:.1f} KiB", value / (1 << 10));
  if (bytes < 1 << 30) return fmt::format("{:.1f} MiB", value / (1 << 20));
  return fmt::format("{:.1f} GiB", value / (1 << 30));
}

}  // namespace seshat

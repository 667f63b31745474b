#include "seshat/service/state_reports.h"

#include <algorithm>
#include <optional>

namespace seshat {
namespace {

std::optional<std::uint64_t> DigestOfMajority(const std::map<NodeId, std::uint64_t>& digests,
                                              std::size_t replicas) {
  std::map<std::uint64_t, std::size_t> counts;
  for (const auto& [node, digest] : digests) {
    if (++counts[digest] > replicas / 2) return digest;
  }
  return std::nullopt;
}

}  // namespace

void StateReports::Add(const StateReport& report, std::span<const NodeId> replicas) {
  if (std::ranges::find(replicas, report.node) == replicas.end()) return;
  Round& round = rounds_[report.group];
  if (report.index < round.index) return;
  if (report.index > round.index) round = {.index = report.index, .digests = {}, .told = {}};
  round.digests[report.node] = report.digest;

  const auto tell = [&](StateVerdict::Kind kind, NodeId node) {
    if (!round.told.insert(node).second || !listener_) return;
    listener_({.kind = kind, .group = report.group, .index = round.index, .node = node});
  };
  const bool is_complete = round.digests.size() == replicas.size();
  const auto majority = DigestOfMajority(round.digests, replicas.size());
  if (!majority) {
    if (is_complete) tell(StateVerdict::Kind::kNoMajority, kNoNode);
    return;
  }
  bool are_equal = true;
  for (const auto& [node, digest] : round.digests) {
    if (digest == *majority) continue;
    are_equal = false;
    tell(StateVerdict::Kind::kOdd, node);
  }
  if (is_complete && are_equal) tell(StateVerdict::Kind::kEqual, kNoNode);
}

}  // namespace seshat

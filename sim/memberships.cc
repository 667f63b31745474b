#include "memberships.h"

#include <algorithm>
#include <iterator>

namespace seshat {
namespace {

bool IsMajority(const std::set<NodeId>& voters, const Memberships::Predicate& has) {
  const auto count = static_cast<std::size_t>(std::ranges::count_if(voters, has));
  return 2 * count > voters.size();
}

bool IsQuorum(const MemberLists& lists, const Memberships::Predicate& has) {
  return IsMajority(lists.voters, has) &&
         (lists.outgoing.empty() || IsMajority(lists.outgoing, has));
}

}  // namespace

MemberLists MemberLists::Of(const v1::GroupConfiguration& configuration) {
  MemberLists lists;
  for (const std::uint64_t node : configuration.voters()) lists.voters.insert(NodeId(node));
  for (const std::uint64_t node : configuration.voters_outgoing()) {
    lists.outgoing.insert(NodeId(node));
  }
  for (const std::uint64_t node : configuration.learners()) lists.learners.insert(NodeId(node));
  for (const std::uint64_t node : configuration.learners_next()) {
    lists.learners.insert(NodeId(node));
  }
  return lists;
}

std::set<NodeId> MemberLists::Everyone() const {
  std::set<NodeId> all = voters;
  all.insert(outgoing.begin(), outgoing.end());
  all.insert(learners.begin(), learners.end());
  return all;
}

Memberships::Memberships(const std::vector<NodeId>& founders) {
  committed_[LogIndex{}].voters = {founders.begin(), founders.end()};
}

void Memberships::OnWritten(const LogRecord& record) {
  v1::VersionedLogEntry entry;
  v1::GroupConfiguration configuration;
  const bool is_configuration = entry.ParseFromString(record.value) &&
                                entry.entry_type() == v1::LOG_ENTRY_TYPE_CONFIG &&
                                configuration.ParseFromString(entry.data());
  if (!is_configuration) return;
  written_.emplace(std::pair(record.index, Term(entry.term())), MemberLists::Of(configuration));
}

void Memberships::OnCommitted(LogIndex index, Term term) {
  while (!written_.empty() && written_.begin()->first.first <= index) {
    const auto& [position, lists] = *written_.begin();
    if (position == std::pair(index, term)) committed_[index] = lists;
    written_.erase(written_.begin());
  }
}

bool Memberships::MayBeQuorum(const Predicate& has) const {
  return IsQuorum(present(), has) || std::ranges::any_of(written_, [&](const auto& each) {
           return IsQuorum(each.second, has);
         });
}

bool Memberships::MayCommit(LogIndex index, const Predicate& has) const {
  const auto& [since, lists] = *committed_.rbegin();
  const bool may_be_left = !lists.outgoing.empty() && index > since;
  return MayBeQuorum(has) || (may_be_left && IsMajority(lists.voters, has));
}

const MemberLists& Memberships::At(LogIndex index) const {
  return std::prev(committed_.upper_bound(index))->second;
}

}  // namespace seshat

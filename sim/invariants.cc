#include "invariants.h"

#include <algorithm>

#include <fmt/format.h>

#include "seshat/v1/storage.pb.h"

namespace seshat {
namespace {

std::uint64_t TermOf(const std::string& record) {
  v1::VersionedLogEntry entry;
  return entry.ParseFromString(record) ? entry.term() : 0;
}

}  // namespace

Invariants::Invariants(GroupId group, std::map<NodeId, const SimDisk*> disks,
                       Memberships& memberships, std::function<void(std::string)> fail)
    : group_(group), disks_(std::move(disks)), memberships_(memberships), fail_(std::move(fail)) {}

void Invariants::OnLeader(NodeId node, Term term, LogIndex commit) {
  const auto [it, is_new] = leaders_.emplace(term, Leadership{node, commit});
  if (!is_new && it->second.node != node) {
    fail_(fmt::format("two leaders in term {}: nodes {} and {}", term.value(),
                      it->second.node.value(), node.value()));
  }
  // What it had before it campaigned is on its disk by now.
  if (committed_.empty() || term < leaders_.rbegin()->first) return;
  if (Term(TermOnDisk(node, highest_committed())) == committed_.back().term) return;
  fail_(fmt::format("node {} leads in term {} without the committed entry {}/{}", node.value(),
                    term.value(), committed_.back().term.value(), highest_committed().value()));
}

std::uint64_t Invariants::TermOnDisk(NodeId node, LogIndex index) const {
  if (index == LogIndex{}) return 0;
  // What was cut off was committed.
  if (index < disks_.at(node)->CurrentFirst(group_)) return CommittedTerm(index).value();
  const auto record = disks_.at(node)->CurrentRecord(group_, index);
  return record ? TermOf(*record) : 0;
}

Term Invariants::CommittedTerm(LogIndex index) const {
  const bool is_known = index > LogIndex{} && index <= highest_committed();
  return is_known ? committed_[index.value() - 1].term : Term{};
}

void Invariants::OnLogWrite(NodeId node, const LogWrite& write) {
  if (write.start) CheckStart(node, write);
  if (write.truncate_from) CheckTruncation(node, *write.truncate_from);
  if (write.records.empty()) return;
  const LogIndex before = write.records.front().index.Previous();
  const bool is_cut = write.start && before < write.start->first_index;
  std::uint64_t previous_term = is_cut ? CommittedTerm(before).value() : TermOnDisk(node, before);
  for (const LogRecord& record : write.records) {
    memberships_.OnWritten(record);
    const std::uint64_t term = TermOf(record.value);
    const EntryFact fact{std::hash<std::string>{}(record.value), previous_term};
    const auto [it, is_new] = entries_.emplace(EntryId{term, record.index.value()}, fact);
    if (!is_new && (it->second.content_hash != fact.content_hash ||
                    it->second.previous_term != fact.previous_term)) {
      fail_(fmt::format("logs do not match: node {} writes another entry {}/{}", node.value(), term,
                        record.index.value()));
    }
    if (term < previous_term) {
      fail_(fmt::format("terms go back in the log of node {} at {}", node.value(),
                        record.index.value()));
    }
    previous_term = term;
  }
}

// A log begins after something that is committed, and says truly what that was. A node that joined
// and was sent the log from its beginning has never heard who founded the group.
void Invariants::CheckStart(NodeId node, const LogWrite& write) {
  const LogIndex before = write.start->first_index.Previous();
  v1::SnapshotMetadata snapshot;
  const bool is_sound = snapshot.ParseFromString(write.start->snapshot_row) &&
                        LogIndex(snapshot.last_included_index()) == before && before > LogIndex{} &&
                        before <= highest_committed() &&
                        Term(snapshot.last_included_term()) == CommittedTerm(before) &&
                        (snapshot.configuration().voters().empty() ||
                         MemberLists::Of(snapshot.configuration()) == memberships_.At(before));
  if (is_sound) return;
  fail_(
      fmt::format("the log of node {} is to begin after entry {}/{}, which is not what is "
                  "committed there",
                  node.value(), snapshot.last_included_term(), before.value()));
}

void Invariants::CheckTruncation(NodeId node, LogIndex from) {
  for (LogIndex index = from; index <= highest_committed(); index = index.Next()) {
    const std::uint64_t term = TermOnDisk(node, index);
    if (term == 0 || Term(term) != committed_[index.value() - 1].term) continue;
    fail_(fmt::format("node {} truncates the committed entry {}/{}", node.value(), term,
                      index.value()));
  }
}

bool Invariants::IsDurableOn(NodeId node, LogIndex index, Term term) const {
  const SimDisk& disk = *disks_.at(node);
  if (index < disk.DurableFirst(group_)) return true;
  const auto record = disk.DurableRecord(group_, index);
  return record && Term(TermOf(*record)) == term;
}

bool Invariants::IsHeldByQuorum(LogIndex index, Term term) const {
  return memberships_.MayCommit(index, [&](NodeId node) { return IsDurableOn(node, index, term); });
}

void Invariants::CheckQuorum(const AppliedFact& fact) {
  if (IsHeldByQuorum(fact.index, fact.term)) return;
  std::string holders;
  for (const auto& [node, disk] : disks_) {
    if (IsDurableOn(node, fact.index, fact.term)) holders += fmt::format(" {}", node.value());
  }
  fail_(fmt::format("entry {}/{} is applied but durable on no quorum of disks, only on those of:{}",
                    fact.term.value(), fact.index.value(), holders));
}

// The newest leader has committed by itself what was not committed when its term began: not by
// counting who holds an entry of an older term (paper, figure 8).
void Invariants::CheckOwnTerm(NodeId node, LogIndex index) {
  if (leaders_.empty()) return;
  const auto& [term, leadership] = *leaders_.rbegin();
  if (leadership.node != node || index <= leadership.commit) return;
  const auto is_anywhere = [&](LogIndex at) {
    return std::ranges::any_of(disks_, [&](const auto& each) {
      return each.second->DurableRecord(group_, at).has_value();
    });
  };
  // The leader's own disk may be the last to have it.
  for (LogIndex at = index; is_anywhere(at); at = at.Next()) {
    if (IsHeldByQuorum(at, term)) return;
  }
  fail_(fmt::format("node {} commits entry {} in term {} by none of that term", node.value(),
                    index.value(), term.value()));
}

void Invariants::OnApplied(NodeId node, const AppliedFact& fact) {
  if (fact.index > highest_committed().Next()) {
    return fail_(fmt::format("node {} applies {} before anybody applied the entry before it",
                             node.value(), fact.index.value()));
  }
  const auto own = disks_.at(node)->DurableRecord(group_, fact.index);
  const bool is_own = fact.is_installed ? fact.index < disks_.at(node)->DurableFirst(group_)
                                        : own && Term(TermOf(*own)) == fact.term;
  if (!is_own) {
    fail_(fmt::format("node {} applies entry {}/{} before its own disk has it", node.value(),
                      fact.term.value(), fact.index.value()));
  }
  if (fact.index == highest_committed().Next()) {
    memberships_.OnCommitted(fact.index, fact.term);
    CheckQuorum(fact);
    CheckOwnTerm(node, fact.index);
    committed_.push_back({fact.term, fact.state_digest});
    return;
  }
  Committed& known = committed_[fact.index.value() - 1];
  if (known.term != fact.term) {
    fail_(fmt::format("two entries are committed at index {}: terms {} and {} (node {})",
                      fact.index.value(), known.term.value(), fact.term.value(), node.value()));
  } else if (!known.state_digest) {
    known.state_digest = fact.state_digest;
  } else if (fact.state_digest && known.state_digest != fact.state_digest) {
    fail_(fmt::format("node {} has another state at index {}", node.value(), fact.index.value()));
  }
}

}  // namespace seshat

#include "invariants.h"

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
                       std::function<void(std::string)> fail)
    : group_(group), disks_(std::move(disks)), fail_(std::move(fail)) {}

void Invariants::OnLeader(NodeId node, Term term) {
  const auto [it, is_new] = leaders_.emplace(term, node);
  if (is_new || it->second == node) return;
  fail_(fmt::format("two leaders in term {}: nodes {} and {}", term.value(), it->second.value(),
                    node.value()));
}

std::uint64_t Invariants::TermOnDisk(NodeId node, LogIndex index) const {
  if (index == LogIndex{}) return 0;
  const auto record = disks_.at(node)->CurrentRecord(group_, index);
  return record ? TermOf(*record) : 0;
}

void Invariants::OnLogWrite(NodeId node, const LogWrite& write) {
  if (write.truncate_from) CheckTruncation(node, *write.truncate_from);
  if (write.records.empty()) return;
  std::uint64_t previous_term = TermOnDisk(node, write.records.front().index.Previous());
  for (const LogRecord& record : write.records) {
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

void Invariants::CheckTruncation(NodeId node, LogIndex from) {
  for (LogIndex index = from; index <= highest_committed(); index = index.Next()) {
    const std::uint64_t term = TermOnDisk(node, index);
    if (term == 0 || Term(term) != committed_[index.value() - 1].term) continue;
    fail_(fmt::format("node {} truncates the committed entry {}/{}", node.value(), term,
                      index.value()));
  }
}

void Invariants::CheckMajority(const AppliedFact& fact) {
  std::size_t holders = 0;
  for (const auto& [node, disk] : disks_) {
    const auto record = disk->DurableRecord(group_, fact.index);
    if (record && Term(TermOf(*record)) == fact.term) ++holders;
  }
  if (holders > disks_.size() / 2) return;
  fail_(fmt::format("entry {}/{} is applied but durable on {} of {} disks only", fact.term.value(),
                    fact.index.value(), holders, disks_.size()));
}

void Invariants::OnApplied(NodeId node, const AppliedFact& fact) {
  if (fact.index > highest_committed().Next()) {
    return fail_(fmt::format("node {} applies {} before anybody applied the entry before it",
                             node.value(), fact.index.value()));
  }
  const auto own = disks_.at(node)->DurableRecord(group_, fact.index);
  if (!own || Term(TermOf(*own)) != fact.term) {
    fail_(fmt::format("node {} applies entry {}/{} before its own disk has it", node.value(),
                      fact.term.value(), fact.index.value()));
  }
  if (fact.index == highest_committed().Next()) {
    CheckMajority(fact);
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

#include "raft_log.h"

#include <algorithm>
#include <utility>

#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"

namespace seshat {

RaftLog::RaftLog(const RestoredState& restored, std::size_t applied_bytes_max,
                 std::size_t committed_bytes_max)
    : applied_bytes_max_(applied_bytes_max),
      committed_bytes_max_(committed_bytes_max),
      snapshot_index_(restored.snapshot.index),
      snapshot_term_(restored.snapshot.term),
      runs_(restored.terms),
      last_(restored.last_index),
      // The stored commit index is a hint written now and then; what is applied or in a snapshot
      // was committed too.
      commit_(std::max({std::min(restored.hard_state.commit, restored.last_index),
                        restored.snapshot.index, restored.applied})),
      applied_(std::max(restored.applied, restored.snapshot.index)),
      durable_(restored.last_index),
      unwritten_first_(restored.last_index.Next()),
      cache_first_(restored.last_index.Next()),
      applied_counted_to_(restored.last_index),
      committed_counted_to_(restored.last_index) {}

LogIndex RaftLog::Applicable() const {
  return HasBug("applied-before-durable") ? commit_ : std::min(commit_, durable_);
}

Term RaftLog::TermAt(LogIndex index) const {
  if (index > last_ || index < snapshot_index_) return Term{};
  if (index == snapshot_index_) return snapshot_term_;
  // Nearly every question is about the newest term.
  if (runs_.back().first <= index) return runs_.back().term;
  const auto after = std::ranges::upper_bound(runs_, index, {}, &TermRun::first);
  return after == runs_.begin() ? Term{} : std::prev(after)->term;
}

bool RaftLog::Matches(LogIndex index, Term term) const {
  return index >= snapshot_index_ && index <= last_ && TermAt(index) == term;
}

bool RaftLog::IsUpToDate(LogIndex index, Term term) const {
  const Term own = last_term();
  if (HasBug("vote-whatever-the-log")) return true;
  if (HasBug("longer-log-wins")) return index >= last_;
  return term > own || (term == own && index >= last_);
}

LogIndex RaftLog::FindAgreement(LogIndex index, Term term) const {
  index = std::min(index, last_);
  while (index > snapshot_index_) {
    const auto run = std::prev(std::ranges::upper_bound(runs_, index, {}, &TermRun::first));
    if (run->term <= term) return index;
    index = run->first.Previous();
  }
  return snapshot_index_;
}

void RaftLog::Append(Entry entry) {
  SESHAT_CHECK(entry.index == last_.Next());
  const Term previous = last_term();
  SESHAT_CHECK(entry.term >= previous);
  if (runs_.empty() || entry.term != runs_.back().term) {
    runs_.push_back({.first = entry.index, .term = entry.term});
  }
  last_ = entry.index;
  cached_bytes_ += entry.SizeBytes();
  cache_.push_back(std::move(entry));
}

void RaftLog::Truncate(LogIndex from) {
  // A committed entry that vanished would be an acknowledged write lost.
  SESHAT_CHECK(from > commit_ && from <= last_);
  while (!cache_.empty() && cache_.back().index >= from) {
    cached_bytes_ -= cache_.back().SizeBytes();
    cache_.pop_back();
  }
  last_ = from.Previous();
  cache_first_ = std::min(cache_first_, last_.Next());
  while (!runs_.empty() && runs_.back().first >= from) runs_.pop_back();
  applied_counted_to_ = std::min(applied_counted_to_, last_);
  committed_counted_to_ = std::min(committed_counted_to_, last_);

  if (from < unwritten_first_ && !HasBug("rewritten-entries-not-written")) {
    unwritten_first_ = from;
    truncate_from_ = from;
  }
  // Writes still under way reported what they held, but part of it is not the log any more.
  if (!HasBug("truncated-counts-as-durable")) durable_ = std::min(durable_, last_);
  if (HasBug("truncated-write-counts")) return;
  for (InFlightWrite& write : writes_) write.last = std::min(write.last, last_);
}

void RaftLog::CommitTo(LogIndex index) {
  SESHAT_CHECK(index <= last_);
  if (index <= commit_) return;
  commit_ = index;
  Evict();
}

void RaftLog::AppliedTo(LogIndex index) {
  SESHAT_CHECK(index <= Applicable());
  if (index <= applied_) return;
  applied_ = index;
  Evict();
}

void RaftLog::CompactTo(LogIndex to) {
  SESHAT_CHECK(to >= snapshot_index_ && to <= std::min(applied_, durable_));
  if (!HasBug("compaction-keeps-old-term")) snapshot_term_ = TermAt(to);
  snapshot_index_ = to;
  while (!cache_.empty() && cache_.front().index <= to) EvictFront();
  while (runs_.size() > 1 && runs_[1].first <= to.Next()) runs_.erase(runs_.begin());
  if (to == last_) {
    runs_.clear();
  } else {
    runs_.front().first = std::max(runs_.front().first, to.Next());
  }
}

void RaftLog::RestartAfter(LogIndex index, Term term) {
  SESHAT_CHECK(index > commit_);
  // What was committed here is the same in any log; the rest on the disk is about to be replaced.
  durable_ = std::min(durable_, commit_);
  for (InFlightWrite& write : writes_) write.last = std::min(write.last, commit_);
  if (HasBug("installed-before-durable")) durable_ = index;
  snapshot_index_ = index;
  snapshot_term_ = term;
  runs_.clear();
  last_ = index;
  commit_ = index;
  unwritten_first_ = index.Next();
  truncate_from_.reset();
  cache_.clear();
  cache_first_ = index.Next();
  cached_bytes_ = 0;
  applied_counted_to_ = index;
  committed_counted_to_ = index;
  applied_bytes_ = 0;
  committed_bytes_ = 0;
}

RaftLog::Write RaftLog::TakeUnwritten(std::uint64_t number) {
  SESHAT_CHECK(writes_.empty() || writes_.back().number < number);
  Write write;
  write.truncate_from = std::exchange(truncate_from_, std::nullopt);
  if (unwritten_first_ <= last_) {
    const auto offset =
        static_cast<std::ptrdiff_t>(unwritten_first_.value() - cache_first_.value());
    write.entries.assign(cache_.begin() + offset, cache_.end());
    unwritten_first_ = last_.Next();
  }
  writes_.push_back({.number = number, .last = last_});
  return write;
}

void RaftLog::OnPersisted(std::uint64_t number) {
  while (!writes_.empty() && writes_.front().number <= number) {
    durable_ = std::max(durable_, writes_.front().last);
    writes_.pop_front();
  }
  SESHAT_CHECK(durable_ <= last_);
  Evict();
}

std::vector<Entry> RaftLog::Cached(LogIndex first, LogIndex end, std::size_t bytes_max) const {
  std::vector<Entry> entries;
  end = std::min(end, last_.Next());
  if (first < cache_first_ || first >= end) return entries;
  std::size_t bytes = 0;
  LogIndex stop = first;
  while (stop < end) {
    bytes += CachedAt(stop).SizeBytes();
    if (bytes > bytes_max && stop > first) break;
    stop = stop.Next();
  }
  const auto begin =
      cache_.begin() + static_cast<std::ptrdiff_t>(first.value() - cache_first_.value());
  entries.assign(begin, begin + static_cast<std::ptrdiff_t>(stop.value() - first.value()));
  return entries;
}

std::size_t RaftLog::CachedBytes(LogIndex first, LogIndex last) const {
  std::size_t bytes = 0;
  for (LogIndex i = std::max(first, cache_first_); i <= std::min(last, last_); i = i.Next()) {
    bytes += CachedAt(i).SizeBytes();
  }
  return bytes;
}

const Entry& RaftLog::CachedAt(LogIndex index) const {
  return cache_[index.value() - cache_first_.value()];
}

void RaftLog::Evict() {
  // Both bounds only move forward: a truncation is above the commit index.
  const LogIndex applied = std::min(durable_, applied_);
  const LogIndex committed = std::min(durable_, commit_);
  if (applied > applied_counted_to_) {
    applied_bytes_ += CachedBytes(applied_counted_to_.Next(), applied);
    applied_counted_to_ = applied;
  }
  if (committed > committed_counted_to_) {
    committed_bytes_ += CachedBytes(committed_counted_to_.Next(), committed);
    committed_counted_to_ = committed;
  }
  while (!cache_.empty()) {
    const Entry& front = cache_.front();
    const bool over_applied = front.index <= applied && applied_bytes_ > applied_bytes_max_;
    const bool over_committed = front.index <= committed && committed_bytes_ > committed_bytes_max_;
    if (!over_applied && !over_committed) return;
    EvictFront();
  }
}

void RaftLog::EvictFront() {
  const Entry& front = cache_.front();
  const std::size_t bytes = front.SizeBytes();
  if (front.index <= applied_counted_to_) applied_bytes_ -= bytes;
  if (front.index <= committed_counted_to_) committed_bytes_ -= bytes;
  cached_bytes_ -= bytes;
  cache_.pop_front();
  cache_first_ = cache_first_.Next();
}

}  // namespace seshat

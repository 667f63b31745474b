// RaftLog: the log as the core sees it: the terms of all entries, the bodies of recent ones, and
// how far it is durable.
//
// Terms are kept as runs, so an entry's term is known in memory however long the log is. Bodies are
// kept while they are needed for writing, committing or applying, and some older ones for
// followers; whoever needs one that is gone reads it from the disk. It does no I/O itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "seshat/base/ids.h"
#include "seshat/raft/core.h"
#include "seshat/raft/entry.h"

namespace seshat {

// Threads: owned by the group's executor.
class RaftLog {
 public:
  // Pre: ValidateRestoredState accepts `restored`.
  RaftLog(const RestoredState& restored, std::size_t applied_bytes_max,
          std::size_t committed_bytes_max);

  LogIndex first_index() const { return snapshot_index_.Next(); }
  LogIndex last_index() const { return last_; }
  Term last_term() const { return TermAt(last_); }
  LogIndex commit() const { return commit_; }
  LogIndex applied() const { return applied_; }
  LogIndex durable() const { return durable_; }
  LogIndex snapshot_index() const { return snapshot_index_; }
  LogIndex cache_first() const { return cache_first_; }
  LogIndex Applicable() const;

  // 0 outside [snapshot index, last index].
  Term TermAt(LogIndex index) const;
  bool Matches(LogIndex index, Term term) const;
  // Whether a log that ends in (index, term) has everything a voter with this log may insist on.
  bool IsUpToDate(LogIndex index, Term term) const;
  // The largest index <= `index` whose term is <= `term`: everything between is sure to differ from
  // a log that has `term` at `index`, so one round trip skips a whole term. Not below the commit
  // index, which every leader has.
  LogIndex FindAgreement(LogIndex index, Term term) const;

  // Pre: entry.index is last_index() + 1 and its term is not below the last one's.
  void Append(Entry entry);
  // Removes `from` and everything after it. Pre: commit < from <= last.
  void Truncate(LogIndex from);
  // Pre: index <= last. Going back is ignored.
  void CommitTo(LogIndex index);
  // Pre: index <= Applicable().
  void AppliedTo(LogIndex index);
  // Forgets every entry up to `to`. Pre: snapshot index <= to <= min(applied, durable).
  void CompactTo(LogIndex to);
  // Becomes an empty log after the entry `index` of `term`, which is committed and which this log
  // lacks. It counts as durable with the next write. Pre: index > commit.
  void RestartAfter(LogIndex index, Term term);

  // What has not been handed out for writing yet.
  bool HasUnwritten() const { return truncate_from_.has_value() || unwritten_first_ <= last_; }
  struct Write {
    std::optional<LogIndex> truncate_from;
    std::vector<Entry> entries;
  };
  // Hands it out as write `number`.
  Write TakeUnwritten(std::uint64_t number);
  // Write `number` and all before it are durable.
  void OnPersisted(std::uint64_t number);

  // Entries [first, end) in memory, up to `bytes_max` but at least one; empty when `first` is not.
  std::vector<Entry> Cached(LogIndex first, LogIndex end, std::size_t bytes_max) const;
  // What the cached entries in [first, last] count against byte limits.
  std::size_t CachedBytes(LogIndex first, LogIndex last) const;
  std::size_t cached_bytes_total() const { return cached_bytes_; }

 private:
  struct InFlightWrite {
    std::uint64_t number = 0;
    LogIndex last;  // of the part that is still in the log
  };

  const Entry& CachedAt(LogIndex index) const;
  void Evict();
  void EvictFront();

  std::size_t applied_bytes_max_;
  std::size_t committed_bytes_max_;
  LogIndex snapshot_index_;
  Term snapshot_term_;
  std::vector<TermRun> runs_;
  LogIndex last_;
  LogIndex commit_;
  LogIndex applied_;

  LogIndex durable_;
  LogIndex unwritten_first_;
  std::optional<LogIndex> truncate_from_;
  std::deque<InFlightWrite> writes_;

  std::deque<Entry> cache_;  // [cache_first_, last_]
  LogIndex cache_first_;
  std::size_t cached_bytes_ = 0;
  // Of the cached entries below these bounds, which only move forward.
  LogIndex applied_counted_to_;
  LogIndex committed_counted_to_;
  std::size_t applied_bytes_ = 0;
  std::size_t committed_bytes_ = 0;
};

}  // namespace seshat

#include "raft_log.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "core_harness.h"

namespace seshat {
namespace {

constexpr std::size_t kPlenty = 1 << 20;
constexpr std::size_t kEntryBytes = Entry::kOverheadBytes + 4;

RestoredState LogOf(std::initializer_list<TermRun> runs, std::uint64_t last,
                    std::uint64_t snapshot = 0, std::uint64_t snapshot_term = 0) {
  RestoredState restored;
  restored.terms = runs;
  restored.last_index = LogIndex(last);
  restored.snapshot.index = LogIndex(snapshot);
  restored.snapshot.term = Term(snapshot_term);
  return restored;
}

// Entries 1..count of term 1, each kEntryBytes, nothing durable.
RaftLog FilledLog(std::uint64_t count, std::size_t applied_max = kPlenty,
                  std::size_t committed_max = kPlenty) {
  RaftLog log(RestoredState{}, applied_max, committed_max);
  for (std::uint64_t i = 1; i <= count; ++i) log.Append(MakeEntry(1, i, "text"));
  return log;
}

TEST(RaftLogTest, KnowsTheTermOfEveryEntryFromRuns) {
  const RaftLog log(LogOf({{LogIndex(6), Term(2)}, {LogIndex(9), Term(5)}}, 12, 5, 2), kPlenty,
                    kPlenty);

  EXPECT_EQ(log.TermAt(LogIndex(4)), Term(0));
  EXPECT_EQ(log.TermAt(LogIndex(5)), Term(2));
  EXPECT_EQ(log.TermAt(LogIndex(8)), Term(2));
  EXPECT_EQ(log.TermAt(LogIndex(9)), Term(5));
  EXPECT_EQ(log.TermAt(LogIndex(12)), Term(5));
  EXPECT_EQ(log.TermAt(LogIndex(13)), Term(0));
}

TEST(RaftLogTest, ARestartedLogIsCommittedUpToTheHintTheSnapshotAndWhatIsApplied) {
  RestoredState by_hint = LogOf({{LogIndex(1), Term(1)}}, 8);
  by_hint.hard_state.commit = LogIndex(20);
  RestoredState by_applied = by_hint;
  by_applied.hard_state.commit = LogIndex(3);
  by_applied.applied = LogIndex(6);

  EXPECT_EQ(RaftLog(by_hint, kPlenty, kPlenty).commit(), LogIndex(8));
  EXPECT_EQ(RaftLog(by_applied, kPlenty, kPlenty).commit(), LogIndex(6));
}

TEST(RaftLogTest, AgreementSkipsWholeTermsThatCannotAgree) {
  const RaftLog log(
      LogOf({{LogIndex(1), Term(1)}, {LogIndex(4), Term(3)}, {LogIndex(8), Term(6)}}, 10), kPlenty,
      kPlenty);

  EXPECT_EQ(log.FindAgreement(LogIndex(10), Term(6)), LogIndex(10));
  EXPECT_EQ(log.FindAgreement(LogIndex(10), Term(5)), LogIndex(7));
  EXPECT_EQ(log.FindAgreement(LogIndex(10), Term(2)), LogIndex(3));
  EXPECT_EQ(log.FindAgreement(LogIndex(99), Term(9)), LogIndex(10));
  EXPECT_EQ(log.FindAgreement(LogIndex(10), Term(0)), LogIndex(0));
}

TEST(RaftLogTest, ATruncationCapsWhatWritesUnderWayMayReport) {
  RaftLog log = FilledLog(10);
  log.TakeUnwritten(1);
  log.Truncate(LogIndex(5));
  log.Append(MakeEntry(2, 5, "text"));
  log.Append(MakeEntry(2, 6, "text"));
  const RaftLog::Write second = log.TakeUnwritten(2);
  ASSERT_EQ(second.truncate_from, LogIndex(5));

  log.OnPersisted(1);
  EXPECT_EQ(log.durable(), LogIndex(4));

  log.OnPersisted(2);
  EXPECT_EQ(log.durable(), LogIndex(6));
}

TEST(RaftLogTest, ATruncationOfWhatWasNeverHandedOutReachesNoDisk) {
  RaftLog log = FilledLog(3);
  log.TakeUnwritten(1);
  log.Append(MakeEntry(1, 4, "text"));

  log.Truncate(LogIndex(4));

  EXPECT_FALSE(log.HasUnwritten());
}

TEST(RaftLogTest, TwoTruncationsBeforeAWriteBecomeTheLowerOne) {
  RaftLog log = FilledLog(9);
  log.TakeUnwritten(1);
  log.Truncate(LogIndex(7));
  log.Append(MakeEntry(2, 7, "text"));
  log.Truncate(LogIndex(4));
  log.Append(MakeEntry(3, 4, "text"));

  const RaftLog::Write write = log.TakeUnwritten(2);

  EXPECT_EQ(write.truncate_from, LogIndex(4));
  ASSERT_EQ(write.entries.size(), 1u);
  EXPECT_EQ(write.entries[0].term, Term(3));
}

TEST(RaftLogTest, KeepsEverythingThatIsNotAppliedAndALimitedTailOfTheRest) {
  RaftLog log = FilledLog(10, 2 * kEntryBytes);
  log.TakeUnwritten(1);
  log.CommitTo(LogIndex(8));
  EXPECT_EQ(log.cache_first(), LogIndex(1)) << "nothing is durable yet";

  log.OnPersisted(1);
  EXPECT_EQ(log.cache_first(), LogIndex(1)) << "nothing is applied yet";

  log.AppliedTo(LogIndex(7));
  EXPECT_EQ(log.cache_first(), LogIndex(6));
  EXPECT_EQ(log.cached_bytes_total(), 5 * kEntryBytes);
}

TEST(RaftLogTest, ASlowApplierCannotMakeTheCacheGrowWithoutBound) {
  RaftLog log = FilledLog(10, 2 * kEntryBytes, 4 * kEntryBytes);
  log.TakeUnwritten(1);
  log.OnPersisted(1);

  log.CommitTo(LogIndex(10));

  EXPECT_EQ(log.cache_first(), LogIndex(7));
  EXPECT_TRUE(log.Cached(LogIndex(6), LogIndex(11), kPlenty).empty());
}

TEST(RaftLogTest, CachedEntriesStopAtTheByteLimitButNeverBeforeOne) {
  const RaftLog log = FilledLog(5);

  EXPECT_EQ(log.Cached(LogIndex(2), LogIndex(6), 2 * kEntryBytes).size(), 2u);
  EXPECT_EQ(log.Cached(LogIndex(2), LogIndex(6), 1).size(), 1u);
  EXPECT_EQ(log.Cached(LogIndex(2), LogIndex(4), kPlenty).size(), 2u);
}

TEST(RaftLogTest, SharesPayloadsInsteadOfCopyingThem) {
  RaftLog log = FilledLog(1);

  const std::vector<Entry> cached = log.Cached(LogIndex(1), LogIndex(2), kPlenty);
  const RaftLog::Write write = log.TakeUnwritten(1);

  EXPECT_EQ(cached[0].data.get(), write.entries[0].data.get());
}

TEST(RaftLogDeathTest, RefusesToTruncateACommittedEntry) {
  RaftLog log = FilledLog(5);
  log.CommitTo(LogIndex(3));

  EXPECT_DEATH(log.Truncate(LogIndex(3)), "check failed");
}

TEST(RaftLogDeathTest, RefusesAGapAndATermThatGoesBack) {
  RaftLog log = FilledLog(2);

  EXPECT_DEATH(log.Append(MakeEntry(1, 4)), "check failed");
  EXPECT_DEATH(log.Append(MakeEntry(0, 3)), "check failed");
}

// Any sequence of appends, truncations, writes and applications against a plain vector.
RC_GTEST_PROP(RaftLogTest, BehavesLikeAPlainListOfEntries, ()) {
  RaftLog log(RestoredState{}, 3 * kEntryBytes, 6 * kEntryBytes);
  std::vector<std::uint64_t> model;  // terms
  std::uint64_t term = 1;
  std::uint64_t writes = 0;
  std::uint64_t persisted = 0;
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100));
  for (const int step : steps) {
    if (step < 50) {
      log.Append(MakeEntry(term, model.size() + 1, "text"));
      model.push_back(term);
    } else if (step < 60 && model.size() > log.commit().value()) {
      const std::uint64_t from = log.commit().value() + 1 + (static_cast<std::uint64_t>(step) % 3);
      if (from > model.size()) continue;
      log.Truncate(LogIndex(from));
      model.resize(from - 1);
      ++term;
    } else if (step < 75) {
      log.TakeUnwritten(++writes);
    } else if (step < 85 && persisted < writes) {
      log.OnPersisted(++persisted);
    } else if (step < 95) {
      log.CommitTo(std::min(log.last_index(), log.commit() + 2));
    } else {
      log.AppliedTo(log.Applicable());
    }
    RC_ASSERT(log.last_index().value() == model.size());
    RC_ASSERT(log.durable() <= log.last_index());
    for (std::size_t i = 0; i < model.size(); ++i) {
      RC_ASSERT(log.TermAt(LogIndex(i + 1)).value() == model[i]);
    }
    // What is neither durable nor committed has to be in memory.
    const LogIndex needed = std::min(log.durable(), log.commit()).Next();
    RC_ASSERT(log.cache_first() <= std::max(needed, log.last_index().Next()));
    const auto cached = log.Cached(needed, log.last_index().Next(), kPlenty);
    RC_ASSERT(cached.size() == log.last_index().value() + 1 - needed.value());
  }
}

}  // namespace
}  // namespace seshat

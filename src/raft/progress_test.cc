#include "progress.h"

#include <gtest/gtest.h>

namespace seshat {
namespace {

using State = FollowerStatus::State;

Progress At(std::uint64_t match, std::uint64_t next, State state) {
  Progress progress;
  progress.id = NodeId(2);
  progress.match = LogIndex(match);
  progress.next = LogIndex(next);
  progress.state = state;
  return progress;
}

TEST(InflightsTest, FreesEverythingUpToTheAcknowledgedIndex) {
  Inflights inflights;
  inflights.Add(LogIndex(3), 30);
  inflights.Add(LogIndex(7), 40);
  inflights.Add(LogIndex(9), 50);

  inflights.FreeTo(LogIndex(7));

  EXPECT_EQ(inflights.messages(), 1u);
  EXPECT_EQ(inflights.bytes(), 50u);
}

TEST(InflightsTest, AnAcknowledgementInsideAMessageFreesNothingOfIt) {
  Inflights inflights;
  inflights.Add(LogIndex(5), 30);

  inflights.FreeTo(LogIndex(4));

  EXPECT_EQ(inflights.messages(), 1u);
  EXPECT_EQ(inflights.bytes(), 30u);
}

TEST(ProgressTest, AProbeSendsOneMessageAndKeepsNext) {
  const CoreOptions options;
  Progress progress = At(0, 5, State::kProbe);
  ASSERT_TRUE(progress.MaySend(options));

  progress.OnSent(LogIndex(9), 100);

  EXPECT_FALSE(progress.MaySend(options));
  EXPECT_EQ(progress.next, LogIndex(5));
}

TEST(ProgressTest, ReplicationIsBoundedByMessagesAndByBytes) {
  CoreOptions options;
  options.inflight_messages_max = 2;
  options.inflight_bytes_max = 100;
  Progress by_messages = At(4, 5, State::kReplicate);
  Progress by_bytes = At(4, 5, State::kReplicate);

  by_messages.OnSent(LogIndex(5), 1);
  EXPECT_TRUE(by_messages.MaySend(options));
  by_messages.OnSent(LogIndex(6), 1);
  by_bytes.OnSent(LogIndex(5), 100);

  EXPECT_FALSE(by_messages.MaySend(options));
  EXPECT_FALSE(by_bytes.MaySend(options));
}

TEST(ProgressTest, AFetchThatIsOutHoldsFurtherSendingBack) {
  const CoreOptions options;
  Progress progress = At(4, 5, State::kReplicate);

  progress.fetching = true;

  EXPECT_FALSE(progress.MaySend(options));
}

TEST(ProgressTest, ALateAcknowledgementTakesNothingBack) {
  Progress progress = At(8, 9, State::kReplicate);

  EXPECT_FALSE(progress.OnAcknowledged(LogIndex(5)));

  EXPECT_EQ(progress.match, LogIndex(8));
  EXPECT_EQ(progress.next, LogIndex(9));
}

TEST(ProgressTest, ARefusalAtOrBelowTheMatchIsStale) {
  Progress progress = At(8, 12, State::kReplicate);

  EXPECT_FALSE(progress.OnRefused(LogIndex(8), LogIndex(3)));

  EXPECT_EQ(progress.state, State::kReplicate);
  EXPECT_EQ(progress.next, LogIndex(12));
}

TEST(ProgressTest, ARefusalOfAnotherThanTheLastProbeIsStale) {
  Progress progress = At(0, 6, State::kProbe);
  progress.probed = true;

  EXPECT_FALSE(progress.OnRefused(LogIndex(9), LogIndex(3)));

  EXPECT_TRUE(progress.probed);
  EXPECT_EQ(progress.next, LogIndex(6));
}

TEST(ProgressTest, ARefusalMovesTheProbeToWhereTheLogsMayAgreeButNotBelowTheMatch) {
  Progress progress = At(4, 12, State::kReplicate);

  ASSERT_TRUE(progress.OnRefused(LogIndex(11), LogIndex(2)));

  EXPECT_EQ(progress.state, State::kProbe);
  EXPECT_EQ(progress.next, LogIndex(5));
  EXPECT_FALSE(progress.probed);
}

TEST(ProgressTest, AFollowerThatNeedsASnapshotIsSentNothing) {
  const CoreOptions options;
  Progress progress = At(0, 5, State::kProbe);

  progress.BecomeSnapshot();

  EXPECT_FALSE(progress.MaySend(options));
}

}  // namespace
}  // namespace seshat

// The comparison of replicas: who differs, and when marks and reports are made.
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "seshat/commands/data_command.h"
#include "seshat/service/state_reports.h"
#include "state_comparer.h"
#include "test_node.h"

namespace seshat {
namespace {

using Kind = StateVerdict::Kind;

class StateReportsTest : public testing::Test {
 protected:
  void Add(std::uint64_t node, std::uint64_t digest, std::uint64_t index = 5) {
    reports_.Add({.group = kFirstDataGroup,
                  .index = LogIndex(index),
                  .node = NodeId(node),
                  .digest = digest},
                 replicas_);
  }
  static StateVerdict Verdict(Kind kind, NodeId node = kNoNode, std::uint64_t index = 5) {
    return {.kind = kind, .group = kFirstDataGroup, .index = LogIndex(index), .node = node};
  }

  const std::vector<NodeId> replicas_{NodeId(1), NodeId(2), NodeId(3)};
  std::vector<StateVerdict> verdicts_;
  StateReports reports_{[this](const StateVerdict& verdict) { verdicts_.push_back(verdict); }};
};

TEST_F(StateReportsTest, EqualReplicasAreToldOnceAllHaveReported) {
  Add(1, 7);
  Add(2, 7);
  EXPECT_TRUE(verdicts_.empty());
  Add(3, 7);
  Add(3, 7);

  EXPECT_EQ(verdicts_, std::vector{Verdict(Kind::kEqual)});
}

TEST_F(StateReportsTest, TheOddOneIsToldWhetherItReportsFirstOrLast) {
  Add(3, 8);
  Add(1, 7);
  EXPECT_TRUE(verdicts_.empty()) << "one against one is no majority of three";
  Add(2, 7);
  EXPECT_EQ(verdicts_, std::vector{Verdict(Kind::kOdd, NodeId(3))});

  Add(1, 7, 6);
  Add(2, 7, 6);
  Add(3, 8, 6);

  EXPECT_EQ(verdicts_.back(), Verdict(Kind::kOdd, NodeId(3), 6));
}

TEST_F(StateReportsTest, WithoutAMajorityNobodyIsNamed) {
  Add(1, 7);
  Add(2, 8);
  Add(3, 9);

  EXPECT_EQ(verdicts_, std::vector{Verdict(Kind::kNoMajority)});
}

TEST_F(StateReportsTest, StrangersAndOldRoundsAreIgnored) {
  Add(4, 9);
  Add(1, 7, 6);
  Add(2, 7, 5);
  Add(3, 7, 5);

  EXPECT_TRUE(verdicts_.empty());
}

class StateComparerTest : public testing::Test {
 protected:
  StateComparerTest() {
    node_.group->leader = NodeId(1);
    comparer_->Start();
  }
  ~StateComparerTest() override { comparer_->Stop(); }
  void Advance(std::chrono::seconds span) { node_.loop.Advance(span); }

  TestNode node_{{}, false};
  std::vector<StateReport> reports_;
  std::shared_ptr<StateComparer> comparer_ = std::make_shared<StateComparer>(
      NodeId(1), kFirstDataGroup, node_.group, node_.group->machine->info(),
      std::chrono::seconds(10),
      StateComparerPorts{
          .clock = &node_.loop,
          .background = &node_.loop,
          .report = [this](const StateReport& report) { reports_.push_back(report); }});
};

TEST_F(StateComparerTest, ALeaderMarksWhatHasChangedAndReportsIt) {
  Advance(std::chrono::seconds(25));
  EXPECT_TRUE(reports_.empty()) << "nothing has changed";

  node_.group->ApplyFromElsewhere(
      EncodeClientCommand(std::vector<std::string_view>{"SET", "k", "v"}));
  Advance(std::chrono::seconds(30));

  ASSERT_EQ(reports_.size(), 1u) << "a mark is no change";
  EXPECT_EQ(reports_[0].node, NodeId(1));
  EXPECT_EQ(reports_[0].index, node_.group->AppliedIndex());
  EXPECT_NE(reports_[0].digest, 0u);
}

TEST_F(StateComparerTest, AFollowerReportsTheLeadersMarksAndMakesNone) {
  node_.group->leader = NodeId(2);
  node_.group->ApplyFromElsewhere(
      EncodeClientCommand(std::vector<std::string_view>{"SET", "k", "v"}));
  Advance(std::chrono::seconds(25));
  EXPECT_TRUE(reports_.empty());

  node_.group->ApplyFromElsewhere(EncodeMarkState());
  Advance(std::chrono::seconds(1));

  EXPECT_EQ(reports_.size(), 1u);
}

TEST_F(StateComparerTest, NothingIsReportedOnceStopped) {
  comparer_->Stop();
  node_.group->ApplyFromElsewhere(EncodeMarkState());
  Advance(std::chrono::seconds(25));

  EXPECT_TRUE(reports_.empty());
}

}  // namespace
}  // namespace seshat

// That the checks of a run can fail: each is shown what it must not let pass.
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "disk.h"
#include "invariants.h"
#include "log_writes.h"
#include "promise_checks.h"
#include "seshat/v1/command.pb.h"
#include "seshat/v1/raft.pb.h"
#include "write_census.h"

namespace seshat {
namespace {

class MembershipsTest : public testing::Test {
 protected:
  bool MayBeQuorum(std::initializer_list<std::uint64_t> nodes) const {
    const std::set<std::uint64_t> set(nodes);
    return memberships.MayBeQuorum([&](NodeId node) { return set.contains(node.value()); });
  }

  Memberships memberships{{NodeId(1), NodeId(2), NodeId(3)}};
};

TEST_F(MembershipsTest, AJointConfigurationNeedsBothMajorities) {
  memberships.OnWritten({LogIndex(5), MembersRecord(2, 5, {3, 4, 5}, {1, 2, 3})});
  EXPECT_TRUE(MayBeQuorum({1, 2}));  // it may never be committed

  memberships.OnCommitted(LogIndex(5), Term(2));

  EXPECT_FALSE(MayBeQuorum({1, 2}));
  EXPECT_FALSE(MayBeQuorum({4, 5}));
  EXPECT_TRUE(MayBeQuorum({1, 3, 4}));
  EXPECT_EQ(memberships.present().outgoing.size(), 3u);
}

TEST_F(MembershipsTest, WhatIsWrittenAndNotYetCommittedMayBeInForce) {
  EXPECT_FALSE(MayBeQuorum({4}));
  memberships.OnWritten({LogIndex(5), MembersRecord(2, 5, {4})});
  EXPECT_TRUE(MayBeQuorum({4}));

  memberships.OnCommitted(LogIndex(5), Term(3));  // another entry

  EXPECT_FALSE(MayBeQuorum({4}));
}

TEST_F(MembershipsTest, AJointConfigurationMayBeLeftOnceItIsCommitted) {
  memberships.OnWritten({LogIndex(5), MembersRecord(2, 5, {3, 4, 5}, {1, 2, 3})});
  memberships.OnCommitted(LogIndex(5), Term(2));
  const auto has = [](NodeId node) { return node.value() >= 4; };

  EXPECT_FALSE(memberships.MayCommit(LogIndex(5), has));
  EXPECT_TRUE(memberships.MayCommit(LogIndex(6), has));
}

TEST_F(MembershipsTest, KnowsWhoTheMembersWere) {
  memberships.OnWritten({LogIndex(5), MembersRecord(2, 5, {4})});
  memberships.OnCommitted(LogIndex(5), Term(2));

  EXPECT_EQ(memberships.At(LogIndex(4)).voters.size(), 3u);
  EXPECT_EQ(memberships.At(LogIndex(5)).voters, std::set<NodeId>{NodeId(4)});
}

class InvariantsTest : public testing::Test {
 protected:
  InvariantsTest() {
    for (SimDisk* disk : {&disk1, &disk2, &disk3})
      EXPECT_TRUE(disk->CreateGroup(kFirstDataGroup, ""));
  }
  void WriteTo(std::uint64_t node, SimDisk& disk, const LogWrite& write) {
    invariants.OnLogWrite(NodeId(node), write);
    disk.Write(write, [] {});
    scheduler.RunUntil(scheduler.now() + std::chrono::seconds(1));
  }

  SimScheduler scheduler{1, false};
  SimDisk disk1{scheduler, NodeId(1)};
  SimDisk disk2{scheduler, NodeId(2)};
  SimDisk disk3{scheduler, NodeId(3)};
  std::vector<std::string> failures;
  Memberships memberships{{NodeId(1), NodeId(2), NodeId(3)}};
  Invariants invariants{kFirstDataGroup,
                        {{NodeId(1), &disk1}, {NodeId(2), &disk2}, {NodeId(3), &disk3}},
                        memberships,
                        [this](std::string what) { failures.push_back(std::move(what)); }};
};

TEST_F(InvariantsTest, FindTwoLeadersInOneTerm) {
  invariants.OnLeader(NodeId(1), Term(3), LogIndex(0));
  invariants.OnLeader(NodeId(1), Term(3), LogIndex(0));
  EXPECT_TRUE(failures.empty());

  invariants.OnLeader(NodeId(2), Term(3), LogIndex(0));

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(InvariantsTest, FindLogsThatDoNotMatch) {
  WriteTo(1, disk1, WriteOf(2, 1, "a"));
  EXPECT_TRUE(failures.empty());

  WriteTo(2, disk2, WriteOf(2, 1, "b"));

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(InvariantsTest, FindAnEntryThatIsAppliedWithoutAMajority) {
  WriteTo(1, disk1, WriteOf(2, 1));

  invariants.OnApplied(NodeId(1), {Term(2), LogIndex(1), 0});

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(InvariantsTest, FindALogThatBeginsWithOtherMembers) {
  WriteTo(1, disk1, WriteOf(2, 1));
  WriteTo(2, disk2, WriteOf(2, 1));
  invariants.OnApplied(NodeId(1), {Term(2), LogIndex(1), 0});
  v1::SnapshotMetadata snapshot;
  snapshot.set_last_included_index(1);
  snapshot.set_last_included_term(2);
  for (const std::uint64_t node : {1, 2, 3}) snapshot.mutable_configuration()->add_voters(node);
  LogWrite write;
  write.group = kFirstDataGroup;
  write.start = LogStart{LogIndex(2), snapshot.SerializeAsString()};
  WriteTo(1, disk1, write);
  EXPECT_TRUE(failures.empty());

  snapshot.mutable_configuration()->add_learners(4);
  write.start->snapshot_row = snapshot.SerializeAsString();
  WriteTo(2, disk2, write);

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(InvariantsTest, FindATruncatedCommittedEntry) {
  WriteTo(1, disk1, WriteOf(2, 1));
  WriteTo(2, disk2, WriteOf(2, 1));
  invariants.OnApplied(NodeId(1), {Term(2), LogIndex(1), 0});
  EXPECT_TRUE(failures.empty());
  LogWrite truncation = WriteOf(3, 1);
  truncation.truncate_from = LogIndex(1);

  WriteTo(2, disk2, truncation);

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(InvariantsTest, FindStatesThatDiffer) {
  WriteTo(1, disk1, WriteOf(2, 1));
  WriteTo(2, disk2, WriteOf(2, 1));
  invariants.OnApplied(NodeId(1), {Term(2), LogIndex(1), 7});

  invariants.OnApplied(NodeId(2), {Term(2), LogIndex(1), 8});

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(InvariantsTest, FindALeaderWithoutACommittedEntry) {
  WriteTo(1, disk1, WriteOf(2, 1));
  WriteTo(2, disk2, WriteOf(2, 1));
  invariants.OnApplied(NodeId(1), {Term(2), LogIndex(1), 0});
  invariants.OnLeader(NodeId(2), Term(3), LogIndex(1));
  EXPECT_TRUE(failures.empty());

  invariants.OnLeader(NodeId(3), Term(4), LogIndex(0));

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(InvariantsTest, FindAnOlderEntryThatIsCommittedByCounting) {
  WriteTo(1, disk1, WriteOf(2, 1));
  WriteTo(2, disk2, WriteOf(2, 1));
  invariants.OnLeader(NodeId(1), Term(4), LogIndex(0));

  invariants.OnApplied(NodeId(1), {Term(2), LogIndex(1), 0});

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(InvariantsTest, LetAnOlderEntryBeCommittedWithOneOfTheLeadersTerm) {
  for (SimDisk* disk : {&disk1, &disk2}) {
    const std::uint64_t node = disk == &disk1 ? 1 : 2;
    WriteTo(node, *disk, WriteOf(2, 1));
    WriteTo(node, *disk, WriteOf(4, 2));
  }
  invariants.OnLeader(NodeId(1), Term(4), LogIndex(0));

  invariants.OnApplied(NodeId(1), {Term(2), LogIndex(1), 0});

  EXPECT_TRUE(failures.empty());
}

class PromiseChecksTest : public testing::Test {
 protected:
  PromiseChecksTest() {
    for (SimDisk* disk : {&disk1, &disk2, &disk3}) {
      EXPECT_TRUE(disk->CreateGroup(kFirstDataGroup, ""));
    }
  }

  // What the disk of node 1 holds from now on.
  void Persist(std::uint64_t term, std::uint64_t vote, std::uint64_t promise_ms = 0) {
    v1::RaftHardState state;
    state.set_term(term);
    state.set_vote(vote);
    state.set_promise_ms(promise_ms);
    LogWrite write;
    write.group = kFirstDataGroup;
    write.state_row = state.SerializeAsString();
    disk1.Write(write, [] {});
    scheduler.RunUntil(scheduler.now() + std::chrono::seconds(1));
  }
  static v1::RaftMessage MessageTo(std::uint64_t to, v1::RaftMessageType type, std::uint64_t term) {
    v1::RaftMessage message;
    message.set_type(type);
    message.set_term(term);
    message.set_to(to);
    return message;
  }
  // From node 1.
  void Send(const v1::RaftMessage& message) {
    v1::RaftMessageBatch batch;
    *batch.add_messages() = message;
    checks.OnSend(NodeId(1), batch.SerializeAsString());
  }

  // To node 2, in term 3.
  void PromiseTenSeconds() {
    Persist(3, 2, 10'000);
    v1::RaftMessage answer = MessageTo(2, v1::HEARTBEAT_RESPONSE, 3);
    answer.set_promise_ms(10'000);
    answer.set_sent_at_ns(clock.Now().since_boot.count());
    Send(answer);
  }

  SimScheduler scheduler{1, false};
  SimClock clock{scheduler, MonotonicTime{}, 0};
  SimDisk disk1{scheduler, NodeId(1)};
  SimDisk disk2{scheduler, NodeId(2)};
  SimDisk disk3{scheduler, NodeId(3)};
  std::vector<std::string> failures;
  Memberships memberships{{NodeId(1), NodeId(2), NodeId(3)}};
  PromiseChecks checks{
      kFirstDataGroup,
      {{NodeId(1), {&disk1, &clock}}, {NodeId(2), {&disk2, &clock}}, {NodeId(3), {&disk3, &clock}}},
      memberships,
      [this](std::string what) { failures.push_back(std::move(what)); }};
};

TEST_F(PromiseChecksTest, FindAVoteThatIsNotOnTheDisk) {
  Persist(3, 2);
  Send(MessageTo(2, v1::VOTE_RESPONSE, 3));
  EXPECT_TRUE(failures.empty());

  Send(MessageTo(2, v1::VOTE_RESPONSE, 4));

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(PromiseChecksTest, FindTwoVotesInATerm) {
  Persist(3, 2);
  Send(MessageTo(2, v1::VOTE_RESPONSE, 3));
  Persist(3, 3);
  EXPECT_TRUE(failures.empty());

  Send(MessageTo(3, v1::VOTE_RESPONSE, 3));

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(PromiseChecksTest, ARefusalIsNoVote) {
  v1::RaftMessage refusal = MessageTo(2, v1::VOTE_RESPONSE, 4);
  refusal.set_reject(true);

  Send(refusal);

  EXPECT_TRUE(failures.empty());
}

TEST_F(PromiseChecksTest, FindALeaderWithoutAMajorityOfVotes) {
  Persist(3, 1);
  Send(MessageTo(2, v1::VOTE_REQUEST, 3));
  EXPECT_TRUE(failures.empty());

  checks.OnLeader(NodeId(1), Term(3));

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(PromiseChecksTest, FindAnAcknowledgedEntryThatIsNotOnTheDisk) {
  Persist(3, 2);
  disk1.Write(WriteOf(3, 1), [] {});
  scheduler.RunUntil(scheduler.now() + std::chrono::seconds(1));
  v1::RaftMessage answer = MessageTo(2, v1::APPEND_RESPONSE, 3);
  answer.set_log_index(1);
  Send(answer);
  EXPECT_TRUE(failures.empty());

  answer.set_log_index(2);
  Send(answer);

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(PromiseChecksTest, FindAPromiseThatIsNotOnTheDisk) {
  Persist(3, 2, 500);
  v1::RaftMessage answer = MessageTo(2, v1::HEARTBEAT_RESPONSE, 3);
  answer.set_promise_ms(500);
  Send(answer);
  EXPECT_TRUE(failures.empty());

  answer.set_promise_ms(501);
  Send(answer);

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(PromiseChecksTest, FindAVoteWhileALeaderMayCountOnThePromise) {
  PromiseTenSeconds();
  Persist(4, 3, 10'000);
  EXPECT_TRUE(failures.empty());

  Send(MessageTo(3, v1::VOTE_RESPONSE, 4));

  EXPECT_EQ(failures.size(), 1u);
}

TEST_F(PromiseChecksTest, APromiseEnds) {
  PromiseTenSeconds();
  scheduler.RunUntil(scheduler.now() + std::chrono::seconds(8));
  Persist(4, 3, 10'000);

  Send(MessageTo(3, v1::VOTE_RESPONSE, 4));

  EXPECT_TRUE(failures.empty());
}

TEST(WriteCensusTest, FindsAWriteThatIsAppliedTwice) {
  std::vector<std::string> failures;
  WriteCensus census([&](std::string what) { failures.push_back(std::move(what)); });
  v1::DataCommand command;
  for (const char* word : {"APPEND", "k", "v1"}) command.mutable_client()->add_arguments(word);
  v1::ProposalBatch batch;
  batch.add_commands(command.SerializeAsString());
  const std::string record = RecordBytes(2, 1, batch.SerializeAsString());
  census.OnSent({"APPEND", "k", "v1"});
  census.OnCommitted(record);
  EXPECT_TRUE(failures.empty());

  census.OnCommitted(record);

  EXPECT_EQ(failures.size(), 1u);
}

}  // namespace
}  // namespace seshat

// Random faults over the harness, from fixed seeds: loss, duplication, reordering, partitions,
// crashes that lose what is not durable, slow disks and clocks that run at different rates; logs
// that are cut off, and members that come and go.
//
// The harness checks election safety, log matching and that nothing committed is lost, on every
// step. Here every granted read is compared with what was committed anywhere when it was asked
// for, which is linearizability of a register whose log is its history.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "core_harness.h"
#include "seshat/base/random.h"

namespace seshat {
namespace {

using std::chrono::milliseconds;

class RandomRun {
 public:
  RandomRun(std::uint64_t seed, std::size_t nodes) : random_(seed), group_(nodes, seed) {
    changes_members_ = random_.Chance(1, 3);
    for (std::size_t i = 1; changes_members_ && i <= 2; ++i) group_.AddNode(nodes + i);
    group_.Configure([this](CoreOptions& options) {
      options.append_bytes_max = 100;
      options.inflight_messages_max = 1 + random_.Below(4);
      options.inflight_bytes_max = 100 + random_.Below(300);
      options.uncommitted_bytes_max = 2000;
      options.cached_bytes_max = random_.Below(300);
      options.leases = random_.Chance(3, 4);
    });
    for (auto& [id, node] : group_.nodes()) {
      node.disk_held = true;
      node.clock_permille = static_cast<std::int64_t>(950 + random_.Below(101));
    }
  }

  void Run(std::size_t steps) {
    for (std::size_t i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) {
      DoOne();
      NoteCommits();
      CheckReads();
    }
  }

  // After the faults end, the group has to come back and agree.
  void Heal() {
    group_.LoseNothing();
    for (auto& [id, node] : group_.nodes()) {
      if (!node.core) group_.Restart(id.value());
      group_.ReleaseDisk(id.value());
    }
    group_.AdvanceMs(6000);
    ASSERT_EQ(group_.Leaders().size(), 1u);
    const std::uint64_t leader = group_.Leaders().front();
    group_.Propose(leader, "after healing");
    group_.AdvanceMs(1000);
    const std::vector<std::string> expected = group_.Applied(leader);
    ASSERT_FALSE(expected.empty());
    EXPECT_EQ(expected.back(), "after healing");
    const Configuration members = group_.core(leader).GetStatus().configuration;
    EXPECT_FALSE(members.IsJoint());
    for (const NodeId member : members.Members()) {
      EXPECT_EQ(group_.Applied(member.value()), expected) << "node " << member.value();
    }
    CheckReads();
  }

  std::size_t reads_checked() const { return reads_checked_; }
  LogIndex committed() const { return group_.committed(); }
  std::size_t installs() {
    std::size_t sum = 0;
    for (const auto& [id, node] : group_.nodes()) sum += node.installs;
    return sum;
  }

 private:
  std::uint64_t AnyNode() { return 1 + random_.Below(group_.nodes().size()); }

  void DoOne() {
    const std::uint64_t dice = random_.Below(1000);
    auto& network = group_.network();
    if (dice < 650) {
      if (network.empty()) return LetTimePass();
      // Mostly in order, sometimes far out of it.
      const std::size_t window = random_.Chance(1, 8) ? network.size() : 1;
      group_.DeliverAt(random_.Below(std::min(window, network.size())), random_.Chance(1, 20));
    } else if (dice < 665) {
      if (network.empty()) return;
      network.erase(network.begin() + static_cast<std::ptrdiff_t>(random_.Below(network.size())));
    } else if (dice < 715) {
      LetTimePass();
    } else if (dice < 850) {
      group_.FinishOneWrite(AnyNode());
    } else if (dice < 915) {
      Propose();
    } else if (dice < 985) {
      Read(AnyNode());
    } else if (dice < 987) {
      CrashOrRestart(AnyNode());
    } else if (dice < 989) {
      Partition();
    } else if (dice < 991) {
      if (const std::uint64_t id = AnyNode(); group_.node(id).core) group_.Compact(id);
    } else if (dice < 993) {
      ChangeMembers();
    } else {
      group_.LoseNothing();
    }
    while (network.size() > 300) network.pop_front();
  }

  void LetTimePass() {
    group_.Freeze(milliseconds(random_.Below(random_.Chance(1, 60) ? 700 : 20)));
    for (auto& [id, node] : group_.nodes()) {
      if (random_.Chance(3, 4)) group_.Tick(id.value());
    }
  }

  void Propose() {
    const std::vector<std::uint64_t> leaders = group_.Leaders();
    if (leaders.empty()) return;
    const std::uint64_t id = leaders[random_.Below(leaders.size())];
    const std::string text = std::to_string(++proposals_) + std::string(random_.Below(80), 'x');
    (void)group_.core(id).Propose(std::make_shared<const std::string>(text), group_.Now(id));
    group_.Pump(id);
  }

  void Read(std::uint64_t id) {
    if (!group_.node(id).core) return;
    const std::uint64_t context = ++contexts_;
    if (!group_.core(id).RequestRead(context, group_.Now(id))) return;
    committed_when_asked_[context] = highest_commit_;
    group_.Pump(id);
  }

  void CrashOrRestart(std::uint64_t id) {
    if (group_.node(id).core) return group_.Crash(id);
    group_.Restart(id);
  }

  void ChangeMembers() {
    if (!changes_members_ || group_.Leaders().empty()) return;
    const std::uint64_t id = group_.Leaders().front();
    const Configuration present = group_.core(id).GetStatus().configuration;
    if (present.IsJoint()) return;
    std::vector<NodeId> voters;
    std::vector<NodeId> learners;
    for (const auto& [node, state] : group_.nodes()) {
      const std::uint64_t draw = random_.Below(4);
      if (draw < 2) voters.push_back(node);
      if (draw == 2) learners.push_back(node);
    }
    if (voters.empty()) return;
    (void)group_.ChangeMembers(id, EnterJoint(present, voters, learners));
    group_.Pump(id);
  }

  void Partition() {
    const std::uint64_t side = random_.Below(std::uint64_t{1} << group_.nodes().size());
    const bool is_one_way = random_.Chance(1, 3);
    group_.LoseIf([side, is_one_way](const Message& m) {
      const bool from = ((side >> (m.from.value() - 1)) & 1) != 0;
      const bool to = ((side >> (m.to.value() - 1)) & 1) != 0;
      return is_one_way ? from && !to : from != to;
    });
  }

  void NoteCommits() {
    for (auto& [id, node] : group_.nodes()) {
      if (node.core) highest_commit_ = std::max(highest_commit_, node.core->commit_index());
    }
  }

  void CheckReads() {
    for (auto& [id, node] : group_.nodes()) {
      for (const ReadGrant& grant : node.reads) {
        const auto asked = committed_when_asked_.find(grant.context);
        ASSERT_NE(asked, committed_when_asked_.end());
        ASSERT_GE(grant.index, asked->second) << "a stale read on node " << id.value();
        ++reads_checked_;
      }
      node.reads.clear();
      node.failed_reads.clear();
    }
  }

  Random random_;
  CoreHarness group_;
  bool changes_members_ = false;
  std::map<std::uint64_t, LogIndex> committed_when_asked_;
  LogIndex highest_commit_;
  std::uint64_t contexts_ = 0;
  std::uint64_t proposals_ = 0;
  std::size_t reads_checked_ = 0;
};

class CoreRandomTest : public testing::TestWithParam<std::size_t> {};

TEST_P(CoreRandomTest, StaysSafeUnderFaultsAndRecovers) {
  constexpr std::uint64_t kSeeds = 40;
  std::size_t reads = 0;
  std::uint64_t committed = 0;
  std::size_t installs = 0;

  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomRun run(seed, GetParam());
    run.Run(4000);
    run.Heal();
    if (HasFailure()) return;
    reads += run.reads_checked();
    committed += run.committed().value();
    installs += run.installs();
  }

  // The faults must leave room for something to go wrong.
  EXPECT_GT(reads, kSeeds * 10);
  EXPECT_GT(committed, kSeeds * 5);
  // Of two nodes none can fall behind the other.
  EXPECT_TRUE(GetParam() < 3 || installs > 0) << installs;
}

INSTANTIATE_TEST_SUITE_P(Sizes, CoreRandomTest, testing::Values(1, 2, 3, 4, 5));

}  // namespace
}  // namespace seshat

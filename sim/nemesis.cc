#include "nemesis.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace seshat {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kSyncLatencyLow = microseconds(150);
constexpr Duration kSyncLatencyHigh = microseconds(400);

}  // namespace

Nemesis::Nemesis(SimScheduler& scheduler, SimNetwork& network, std::vector<SimNode*> nodes,
                 Personality personality)
    : scheduler_(scheduler),
      network_(network),
      nodes_(std::move(nodes)),
      personality_(std::move(personality)) {
  network_.SetQuality(personality_.links);
  for (SimNode* node : nodes_) {
    usual_sync_latency_[node->id()] =
        scheduler_.Between(kSyncLatencyLow, std::max(kSyncLatencyHigh, personality_.sync_max));
    SetUsualSyncLatency(*node);
  }
}

SimNode& Nemesis::AnyNode() {
  return *nodes_[scheduler_.random().Below(nodes_.size())];
}

SimNode* Nemesis::Leader() {
  const auto leader = std::ranges::find_if(nodes_, [](SimNode* node) {
    return node->is_running() && node->driver().view().is_leader.load();
  });
  return leader == nodes_.end() ? nullptr : *leader;
}

SimNode& Nemesis::NodeOf(NodeId id) {
  return **std::ranges::find(nodes_, id, &SimNode::id);
}

SimNode& Nemesis::Victim() {
  SimNode* const leader = scheduler_.random().Chance(1, 2) ? Leader() : nullptr;
  return leader == nullptr ? AnyNode() : *leader;
}

void Nemesis::Isolate(const SimNode& chosen) {
  for (const SimNode* other : nodes_) {
    network_.Cut(chosen.id(), other->id());
    network_.Cut(other->id(), chosen.id());
  }
}

void Nemesis::Start() {
  scheduler_.After(scheduler_.Between(milliseconds(10), personality_.calm_max), [this] {
    if (is_stopped_) return;
    Strike();
    Start();
  });
}

void Nemesis::Strike() {
  const Fault fault = personality_.faults[scheduler_.random().Below(personality_.faults.size())];
  ++struck_[fault];
  switch (fault) {
    case Fault::kCrash:
      return CrashSome();
    case Fault::kCrashAtWrite:
      return CrashAtWrite(Victim());
    case Fault::kCrashAtCall:
      return CrashAtCall(Victim());
    case Fault::kAmbush:
      return Ambush();
    case Fault::kUsurp:
      return Usurp();
    case Fault::kBlink:
      return Blink(AnyNode());
    case Fault::kGracefulStop:
      return StopOne();
    case Fault::kTransfer:
      return Transfer();
    case Fault::kPause:
      return PauseOne();
    case Fault::kCutLinks:
      return CutLinks();
    case Fault::kTempt:
      return Tempt();
    case Fault::kCreepingCut:
      return CreepingCut();
    case Fault::kDegradeNetwork:
      return DegradeNetwork();
    case Fault::kSlowDisk:
      return SlowDisk();
    case Fault::kFailSync:
      return FailSync(Victim());
    case Fault::kJumpClock:
      return JumpClock();
    case Fault::kSnapshot:
      return TakeSnapshots();
    case Fault::kChangeMembers:
      return ChangeMembers();
    case Fault::kHealNetwork:
      return HealNetwork();
  }
}

void Nemesis::HealNetwork() {
  if (is_stopped_) return;
  scheduler_.Note("links heal", kNoNode);
  network_.Heal();
  network_.SetQuality(personality_.links);
}

void Nemesis::RestartLater(SimNode& node) {
  scheduler_.After(scheduler_.Between(milliseconds(1), personality_.down_max), [&node] {
    if (!node.is_running()) node.Start();
  });
}

void Nemesis::CrashSoon(SimNode& node, Duration within) {
  scheduler_.After(scheduler_.Between(Duration(0), within), [this, &node] {
    if (is_stopped_) return;
    node.Crash(true);
    RestartLater(node);
  });
}

void Nemesis::CrashSome() {
  Random& random = scheduler_.random();
  const bool loses_power = random.Chance(2, 3);
  if (!random.Chance(1, 5)) {
    SimNode& node = Victim();
    node.Crash(loses_power);
    return RestartLater(node);
  }
  for (SimNode* node : nodes_) {
    node->Crash(loses_power);
    RestartLater(*node);
  }
}

// Power fails while a write is on its way to the disk, when it has just been promised to nobody.
void Nemesis::CrashAtWrite(SimNode& node) {
  node.disk().OnNextSync(
      [this, &node] { CrashSoon(node, usual_sync_latency_[node.id()] + microseconds(200)); });
}

// The other node cannot know whether what it asked for was done.
void Nemesis::CrashAtCall(SimNode& node) {
  network_.OnNextCall(node.id(), [this, &node] {
    CrashSoon(node, 2 * (usual_sync_latency_[node.id()] + personality_.links.delay_high));
  });
}

// Elections are coming, and power fails on those who vote in them and then on the winners.
void Nemesis::Ambush() {
  ambushes_left_ = 1 + scheduler_.random().Below(4);
  for (SimNode* node : nodes_) {
    if (node->is_running() && node->driver().view().is_leader.load()) {
      node->Crash(true);
      RestartLater(*node);
    } else if (scheduler_.random().Chance(1, 4)) {
      CrashAtWrite(*node);
    }
  }
}

// A leader is cut off until the others have another, and comes back in time to follow this one.
void Nemesis::Usurp() {
  network_.Heal();
  cut_off_leader_ = Leader();
  if (cut_off_leader_ == nullptr) return;
  scheduler_.Note("cut off until it has a successor", cut_off_leader_->id());
  Isolate(*cut_off_leader_);
}

// It may be made leader again while it still has from before what it could not finish.
void Nemesis::Restore(SimNode& successor, NodeId former) {
  scheduler_.After(
      scheduler_.Between(milliseconds(5), milliseconds(300)), [this, &successor, former] {
        HealNetwork();
        if (successor.is_running() && scheduler_.random().Chance(1, 2)) {
          scheduler_.After(scheduler_.Between(milliseconds(1), milliseconds(150)),
                           [&successor, former] {
                             if (!successor.is_running()) return;
                             successor.driver().TransferLeadership(former, [](const Status&) {});
                           });
          return;
        }
        const bool is_at_once = scheduler_.random().Chance(1, 2);
        CrashSoon(successor, milliseconds(is_at_once ? 10 : 500));
        ambushes_left_ += scheduler_.random().Below(3);
      });
}

void Nemesis::OnLeader(NodeId leader) {
  if (is_stopped_) return;
  if (cut_off_leader_ != nullptr && cut_off_leader_->id() != leader) {
    const NodeId former = std::exchange(cut_off_leader_, nullptr)->id();
    Restore(NodeOf(leader), former);
  }
  if (ambushes_left_ == 0) return;
  --ambushes_left_;
  const Duration within = milliseconds(2) + 4 * personality_.links.delay_high;
  for (SimNode* node : nodes_) {
    if (node->id() != leader && !scheduler_.random().Chance(1, 3)) continue;
    CrashSoon(*node, within);
  }
}

void Nemesis::Blink(SimNode& node) {
  if (is_stopped_) return;
  node.Crash(scheduler_.random().Chance(1, 2));
  scheduler_.After(scheduler_.Between(milliseconds(1), milliseconds(20)), [&node] {
    if (!node.is_running()) node.Start();
  });
}

void Nemesis::StopOne() {
  SimNode& node = Victim();
  node.StopGracefully();
  scheduler_.After(milliseconds(50), [this, &node] { RestartLater(node); });
}

void Nemesis::Transfer() {
  SimNode* const leader = Leader();
  if (leader == nullptr) return;
  SimNode& target = AnyNode();
  const NodeId to = scheduler_.random().Chance(1, 4) ? kNoNode : target.id();
  scheduler_.Note("hands over", leader->id(), to.value());
  leader->driver().TransferLeadership(to, [](const Status&) {});
  switch (scheduler_.random().Below(4)) {
    case 0:
      return CrashSoon(*leader, milliseconds(20));
    case 1:
      return CrashSoon(AnyNode(), milliseconds(20));
    case 2:  // the word waits, perhaps until the transfer has been given up
      network_.Cut(target.id(), leader->id());
      scheduler_.After(scheduler_.Between(seconds(1), seconds(4)), [this] { HealNetwork(); });
      return Pause(target);
    default:
      return;
  }
}

// Any lists may follow any others; now and then nobody but the leader stays.
Configuration Nemesis::DrawMembers(const Configuration& present, NodeId leader) {
  Configuration drawn;
  const bool is_exchange = scheduler_.random().Chance(1, 4);
  for (const SimNode* node : nodes_) {
    const std::uint64_t lot = scheduler_.random().Below(8);
    const bool is_new = !present.IsVoter(node->id());
    const bool votes = is_exchange ? is_new || node->id() == leader : lot < 5;
    if (votes) drawn.voters.push_back(node->id());
    if (!votes && lot == 5) drawn.learners.push_back(node->id());
  }
  if (drawn.voters.empty()) drawn.voters.push_back(leader);
  std::erase(drawn.learners, drawn.voters.front());
  return drawn;
}

void Nemesis::ChangeMembers() {
  SimNode* const leader = Leader();
  if (leader == nullptr) return;
  const Configuration present = leader->driver().GetStatus().core.configuration;
  const auto propose = [&](const Configuration& next) {
    scheduler_.Note("changes the members", leader->id(), next.voters.size(), next.learners.size());
    leader->driver().ChangeMembers(next.voters, next.learners, [](const Status&) {});
  };
  const Configuration next = DrawMembers(present, leader->id());
  propose(next);
  switch (scheduler_.random().Below(5)) {
    case 0:  // one at a time
      return propose(DrawMembers(present, leader->id()));
    case 1:
      return CrashSoon(*leader, milliseconds(20));
    case 2:
      return CrashSoon(AnyNode(), milliseconds(20));
    case 3:
      return LeaveTo(*leader, present, next);
    default:
      return;
  }
}

// Those that join hear the leader alone, and the others do without it.
void Nemesis::LeaveTo(const SimNode& leader, const Configuration& present,
                      const Configuration& next) {
  const auto stays = [&](const SimNode& node) {
    return &node == &leader || (next.IsVoter(node.id()) && !present.IsVoter(node.id()));
  };
  network_.Heal();
  for (const SimNode* node : nodes_) {
    for (const SimNode* other : nodes_) {
      if (stays(*node) != stays(*other)) network_.Cut(node->id(), other->id());
    }
  }
  scheduler_.After(scheduler_.Between(milliseconds(50), seconds(2)), [this] { HealNetwork(); });
}

void Nemesis::PauseOne() {
  Pause(Victim());
}

void Nemesis::Pause(SimNode& node) {
  node.SetPaused(true);
  scheduler_.After(scheduler_.Between(milliseconds(5), seconds(3)),
                   [&node] { node.SetPaused(false); });
}

void Nemesis::CutLinks() {
  Random& random = scheduler_.random();
  network_.Heal();
  SimNode& chosen = Victim();
  scheduler_.Note("links cut around", chosen.id());
  scheduler_.After(scheduler_.Between(milliseconds(50), seconds(3)), [this] { HealNetwork(); });
  switch (random.Below(5)) {
    case 0:  // nobody hears it
      for (const SimNode* other : nodes_) network_.Cut(chosen.id(), other->id());
      return;
    case 1:  // it hears nobody
      for (const SimNode* other : nodes_) network_.Cut(other->id(), chosen.id());
      return;
    case 2:  // alone
      return Isolate(chosen);
    default:
      break;
  }
  const bool is_bridge = random.Chance(1, 2);  // the chosen one still reaches both halves
  if (is_bridge && random.Chance(1, 2)) {
    for (int i = 0; i < 5; ++i) {
      scheduler_.After(scheduler_.Between(Duration(0), seconds(2)),
                       [this, &chosen] { Blink(chosen); });
    }
  }
  std::vector<bool> half;
  for (std::size_t i = 0; i < nodes_.size(); ++i) half.push_back(random.Chance(1, 2));
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    for (std::size_t j = 0; j < nodes_.size(); ++j) {
      const bool touches_bridge = is_bridge && (nodes_[i] == &chosen || nodes_[j] == &chosen);
      if (half[i] != half[j] && !touches_bridge) network_.Cut(nodes_[i]->id(), nodes_[j]->id());
    }
  }
}

// Some miss it long before it misses them, and would do without it; one of them may have restarted.
void Nemesis::CreepingCut() {
  SimNode& chosen = Victim();
  scheduler_.Note("links are cut one by one around", chosen.id());
  for (SimNode* other : nodes_) {
    if (other == &chosen) continue;
    scheduler_.After(scheduler_.Between(Duration(0), seconds(2)), [this, &chosen, other] {
      if (is_stopped_) return;
      network_.Cut(chosen.id(), other->id());
      network_.Cut(other->id(), chosen.id());
    });
    if (!scheduler_.random().Chance(1, 2)) continue;
    for (int i = 0; i < 3; ++i) {
      scheduler_.After(scheduler_.Between(milliseconds(500), seconds(2)),
                       [this, other] { Blink(*other); });
    }
  }
  scheduler_.After(scheduler_.Between(seconds(2), seconds(4)), [this] { HealNetwork(); });
}

// It would be elected if the others forgot in restarting what they promised the leader.
void Nemesis::Tempt() {
  SimNode* const leader = Leader();
  SimNode& tempter = AnyNode();
  if (leader == nullptr || leader == &tempter) return;
  network_.Heal();
  scheduler_.Note("loses the leader alone", tempter.id());
  network_.Cut(leader->id(), tempter.id());
  network_.Cut(tempter.id(), leader->id());
  for (SimNode* voter : nodes_) {
    if (voter == leader || voter == &tempter) continue;
    for (int i = 0; i < 6; ++i) {
      scheduler_.After(scheduler_.Between(milliseconds(500), seconds(3)),
                       [this, voter] { Blink(*voter); });
    }
  }
  scheduler_.After(scheduler_.Between(seconds(2), seconds(4)), [this] { HealNetwork(); });
}

void Nemesis::DegradeNetwork() {
  Random& random = scheduler_.random();
  LinkQuality quality = personality_.links;
  quality.delay_high = scheduler_.Between(microseconds(500), milliseconds(150));
  quality.loss_percent = random.Below(30);
  quality.duplicate_percent = random.Below(20);
  quality.reorders = random.Chance(1, 2);
  scheduler_.Note("network degrades: loss, delay", kNoNode, quality.loss_percent,
                  static_cast<std::uint64_t>(quality.delay_high.count()));
  network_.SetQuality(quality);
  scheduler_.After(scheduler_.Between(milliseconds(100), seconds(3)), [this] { HealNetwork(); });
}

void Nemesis::SlowDisk() {
  SimNode& node = AnyNode();
  const Duration latency = scheduler_.Between(milliseconds(1), seconds(1));
  scheduler_.Note("disk slows down", node.id(), static_cast<std::uint64_t>(latency.count()));
  node.disk().SetSyncLatency(latency / 2, latency);
  scheduler_.After(scheduler_.Between(milliseconds(100), seconds(3)),
                   [this, &node] { SetUsualSyncLatency(node); });
}

// The storage layer stops its node then, and never asks for that sync again.
void Nemesis::FailSync(SimNode& node) {
  node.disk().FailNextSync([this, &node] { CrashSoon(node, Duration(0)); });
}

void Nemesis::SetUsualSyncLatency(SimNode& node) {
  node.disk().SetSyncLatency(kSyncLatencyLow, usual_sync_latency_[node.id()]);
}

void Nemesis::TakeSnapshots() {
  switch (scheduler_.random().Below(4)) {
    case 0:
      return AnyNode().TakeSnapshot();
    case 1:
      for (SimNode* node : nodes_) node->TakeSnapshot();
      return;
    default:
      return OvertakeSnapshot();
  }
}

// A node comes back to a leader that has cut its log off, and while it still fetches the snapshot
// there is another leader, whose log may have all it needs.
void Nemesis::OvertakeSnapshot() {
  SimNode* const leader = Leader();
  SimNode& away = AnyNode();
  if (leader == nullptr || leader == &away) return;
  network_.Heal();
  scheduler_.Note("is away while the leader cuts its log", away.id());
  Isolate(away);
  const Duration back = scheduler_.Between(milliseconds(200), milliseconds(1500));
  scheduler_.After(back / 2, [leader] { leader->TakeSnapshot(); });
  scheduler_.After(back, [this] { HealNetwork(); });
  scheduler_.After(back + scheduler_.Between(Duration(0), milliseconds(300)), [this, leader] {
    if (is_stopped_ || !leader->is_running()) return;
    leader->driver().TransferLeadership(kNoNode, [](const Status&) {});
  });
}

void Nemesis::JumpClock() {
  SimNode& node = AnyNode();
  const Duration jump = scheduler_.Between(-std::chrono::hours(1), std::chrono::hours(1));
  scheduler_.Note("wall clock jumps", node.id());
  node.clock().JumpWall(jump);
}

void Nemesis::Heal(const std::vector<SimNode*>& nodes) {
  network_.Heal();
  network_.SetQuality({});
  for (SimNode* node : nodes) {
    node->SetPaused(false);
    node->disk().FailNextSync(nullptr);
    usual_sync_latency_[node->id()] = kSyncLatencyHigh;
    SetUsualSyncLatency(*node);
    if (!node->is_running()) node->Start();
  }
}

std::vector<SimNode*> Nemesis::PickMajority() {
  std::vector<SimNode*> core = nodes_;
  while (core.size() > nodes_.size() / 2 + 1) {
    core.erase(core.begin() + static_cast<std::ptrdiff_t>(scheduler_.random().Below(core.size())));
  }
  return core;
}

void Nemesis::IsolateAllBut(const std::vector<SimNode*>& core) {
  for (const SimNode* node : nodes_) {
    if (std::find(core.begin(), core.end(), node) != core.end()) continue;
    const std::uint64_t kind = scheduler_.random().Below(3);
    scheduler_.Note("cut off for good", node->id(), kind);
    for (const SimNode* other : nodes_) {
      if (kind != 0) network_.Cut(node->id(), other->id());
      if (kind != 1) network_.Cut(other->id(), node->id());
    }
  }
}

}  // namespace seshat

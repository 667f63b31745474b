#include "nemesis.h"

#include <algorithm>
#include <chrono>

namespace seshat {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace

Nemesis::Nemesis(SimScheduler& scheduler, SimNetwork& network, std::vector<SimNode*> nodes)
    : scheduler_(scheduler),
      network_(network),
      nodes_(std::move(nodes)),
      calm_max_(scheduler.Between(milliseconds(200), seconds(4))) {}

SimNode& Nemesis::AnyNode() {
  return *nodes_[scheduler_.random().Below(nodes_.size())];
}

SimNode& Nemesis::Victim() {
  if (scheduler_.random().Chance(1, 2)) {
    for (SimNode* node : nodes_) {
      if (node->is_running() && node->driver().view().is_leader.load()) return *node;
    }
  }
  return AnyNode();
}

void Nemesis::Start() {
  scheduler_.After(scheduler_.Between(milliseconds(10), calm_max_), [this] {
    if (is_stopped_) return;
    Strike();
    Start();
  });
}

void Nemesis::Strike() {
  switch (scheduler_.random().Below(14)) {
    case 0:
    case 1:
      return CrashSome();
    case 2:
    case 3:
      return PauseOne();
    case 4:
    case 5:
      return CutLinks();
    case 6:
      return DegradeNetwork();
    case 7:
      return SlowDisk();
    case 8:
      return JumpClock();
    case 9:
      return StopOne();
    case 10:
    case 11:
      return CrashAtWrite();
    default:
      scheduler_.Note("links heal", kNoNode);
      network_.Heal();
      network_.SetQuality({});
  }
}

void Nemesis::RestartLater(SimNode& node) {
  scheduler_.After(scheduler_.Between(milliseconds(1), seconds(3)), [&node] {
    if (!node.is_running()) node.Start();
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
void Nemesis::CrashAtWrite() {
  SimNode& node = Victim();
  node.disk().OnNextSync([this, &node] {
    scheduler_.After(scheduler_.Between(Duration(0), microseconds(600)), [this, &node] {
      node.Crash(true);
      RestartLater(node);
    });
  });
}

void Nemesis::StopOne() {
  SimNode& node = Victim();
  node.StopGracefully();
  scheduler_.After(milliseconds(50), [this, &node] { RestartLater(node); });
}

void Nemesis::PauseOne() {
  SimNode& node = Victim();
  node.SetPaused(true);
  scheduler_.After(scheduler_.Between(milliseconds(5), seconds(3)),
                   [&node] { node.SetPaused(false); });
}

void Nemesis::CutLinks() {
  Random& random = scheduler_.random();
  network_.Heal();
  const SimNode& chosen = Victim();
  scheduler_.Note("links cut around", chosen.id());
  switch (random.Below(5)) {
    case 0:  // nobody hears it
      for (const SimNode* other : nodes_) network_.Cut(chosen.id(), other->id());
      return;
    case 1:  // it hears nobody
      for (const SimNode* other : nodes_) network_.Cut(other->id(), chosen.id());
      return;
    case 2:  // alone
      for (const SimNode* other : nodes_) network_.Cut(chosen.id(), other->id());
      for (const SimNode* other : nodes_) network_.Cut(other->id(), chosen.id());
      return;
    default:
      break;
  }
  const bool is_bridge = random.Chance(1, 3);  // the chosen one still reaches both halves
  std::vector<bool> half;
  for (std::size_t i = 0; i < nodes_.size(); ++i) half.push_back(random.Chance(1, 2));
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    for (std::size_t j = 0; j < nodes_.size(); ++j) {
      const bool touches_bridge = is_bridge && (nodes_[i] == &chosen || nodes_[j] == &chosen);
      if (half[i] != half[j] && !touches_bridge) network_.Cut(nodes_[i]->id(), nodes_[j]->id());
    }
  }
}

void Nemesis::DegradeNetwork() {
  Random& random = scheduler_.random();
  LinkQuality quality;
  quality.delay_high = scheduler_.Between(microseconds(500), milliseconds(150));
  quality.loss_percent = random.Below(30);
  quality.duplicate_percent = random.Below(20);
  quality.reorders = random.Chance(1, 2);
  scheduler_.Note("network degrades: loss, delay", kNoNode, quality.loss_percent,
                  static_cast<std::uint64_t>(quality.delay_high.count()));
  network_.SetQuality(quality);
}

void Nemesis::SlowDisk() {
  SimNode& node = AnyNode();
  const Duration latency = scheduler_.Between(milliseconds(1), seconds(1));
  scheduler_.Note("disk slows down", node.id(), static_cast<std::uint64_t>(latency.count()));
  node.disk().SetSyncLatency(latency / 2, latency);
  scheduler_.After(scheduler_.Between(milliseconds(100), seconds(3)),
                   [&node] { node.disk().SetSyncLatency(microseconds(150), microseconds(400)); });
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
    node->disk().SetSyncLatency(microseconds(150), microseconds(400));
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

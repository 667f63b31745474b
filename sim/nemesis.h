// Nemesis: does to the cluster what the world does, as the seed decides.
//
// Crashes of one node or all, with and without power failure, in a write, in a call of another node
// and around elections; graceful restarts; leaders that hand over; members that change; pauses;
// links cut whole, one way or so that one node bridges two halves; leaders that are cut off and
// come back; loss, delay, duplication, reordering; disks that are slow or fail to sync; jumping
// wall clocks. Which of them and how often is the run's personality. At most what the disks and the
// network promise not to do stays out: disk.h and network.h say what that is.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "network.h"
#include "node.h"
#include "personality.h"

namespace seshat {

// Threads: owned by the simulation's thread. Lifetime: nodes and network outlive it.
class Nemesis {
 public:
  Nemesis(SimScheduler& scheduler, SimNetwork& network, std::vector<SimNode*> nodes,
          Personality personality);

  // Faults from now on, at random times.
  void Start();
  // A node has become leader.
  void OnLeader(NodeId leader);
  // No new faults. Those under way stay until healed.
  void Stop() { is_stopped_ = true; }

  // Makes the network whole and fast, and every one of `nodes` run at full speed.
  void Heal(const std::vector<SimNode*>& nodes);
  // Cuts off all nodes but `core` for good, some of them in one direction only: what they say, or
  // cannot hear, must not keep the core from working.
  void IsolateAllBut(const std::vector<SimNode*>& core);
  // How often it has done what.
  const std::map<Fault, std::uint64_t>& struck() const { return struck_; }
  // A majority, as the seed decides.
  std::vector<SimNode*> PickMajority();

 private:
  void Strike();
  void Ambush();
  void Usurp();
  void Restore(SimNode& successor, NodeId former);
  void CrashSome();
  void CrashSoon(SimNode& node, Duration within);
  void Blink(SimNode& node);
  void Transfer();
  void ChangeMembers();
  Configuration DrawMembers(const Configuration& present, NodeId leader);
  void LeaveTo(const SimNode& leader, const Configuration& present, const Configuration& next);
  void PauseOne();
  void Pause(SimNode& node);
  void CutLinks();
  void CreepingCut();
  void Tempt();
  void DegradeNetwork();
  void HealNetwork();
  void SlowDisk();
  void FailSync(SimNode& node);
  void JumpClock();
  void TakeSnapshots();
  void OvertakeSnapshot();
  void StopOne();
  void RestartLater(SimNode& node);
  void CrashAtWrite(SimNode& node);
  void CrashAtCall(SimNode& node);
  void SetUsualSyncLatency(SimNode& node);
  // Nothing goes to `chosen` or comes from it.
  void Isolate(const SimNode& chosen);
  SimNode* Leader();  // null: there is none
  SimNode& NodeOf(NodeId id);
  SimNode& AnyNode();
  // Half the time a leader if there is one: faults there try the protocol most.
  SimNode& Victim();

  SimScheduler& scheduler_;
  SimNetwork& network_;
  const std::vector<SimNode*> nodes_;
  const Personality personality_;
  std::map<NodeId, Duration> usual_sync_latency_;  // at most
  std::map<Fault, std::uint64_t> struck_;
  bool is_stopped_ = false;
  std::uint64_t ambushes_left_ = 0;    // of the next leaders
  SimNode* cut_off_leader_ = nullptr;  // that is to come back once it has a successor
};

}  // namespace seshat

#include "simulation.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "clients.h"
#include "invariants.h"
#include "memberships.h"
#include "nemesis.h"
#include "network.h"
#include "node.h"
#include "personality.h"
#include "promise_checks.h"
#include "read_audit.h"
#include "scheduler.h"
#include "seshat/base/seeded_bug.h"
#include "write_census.h"

namespace seshat {
namespace {

// A majority that is left alone must go on: not one of members that change just then.
std::vector<Fault> FaultsToSpare(const SimOptions& options) {
  std::vector<Fault> spared = options.without;
  if (options.mode == SimMode::kLiveness) spared.push_back(Fault::kChangeMembers);
  return spared;
}

class Simulation {
 public:
  explicit Simulation(const SimOptions& options)
      : options_(options),
        scheduler_(options.seed, options.prints_trace),
        network_(scheduler_),
        personality_(DrawPersonality(scheduler_, FaultsToSpare(options))) {
    BuildNodes();
    BuildChecks();
    SimClientOptions clients;
    clients.writes_permille = personality_.writes_permille;
    clients.lulls = personality_.lulls;
    clients.patience = personality_.patience;
    clients_ = std::make_unique<SimClients>(scheduler_, NodePointers(), clients, failure_handler());
    clients_->OnSend([this](const CommandText& command) { write_census_.OnSent(command); });
    nemesis_ = std::make_unique<Nemesis>(scheduler_, network_, NodePointers(), personality_);
  }

  ~Simulation() {
    for (const auto& node : nodes_) node->Crash(false);
    scheduler_.Clear();
  }

  SimReport Run() {
    for (const auto& node : nodes_) node->Start();
    clients_->Start();
    if (personality_.audits_reads) read_audit_->Start();
    nemesis_->Start();
    scheduler_.RunUntil(options_.faults_for);
    Recover();
    if (!failure_) {
      LinearizabilityReport history = clients_->CheckHistory();
      is_undecided_ = history.verdict == LinearizabilityVerdict::kUndecided;
      if (history.verdict == LinearizabilityVerdict::kAnomaly) {
        failure_ = std::move(history.explanation);
      }
    }
    return Report();
  }

 private:
  void BuildNodes() {
    SimNodeObserver observer;
    observer.on_leader = [this](NodeId node, Term term, LogIndex commit) {
      invariants_->OnLeader(node, term, commit);
      promises_->OnLeader(node, term);
      read_audit_->OnLeader(term);
      nemesis_->OnLeader(node);
    };
    observer.on_applied = [this](NodeId node, const AppliedFact& fact) {
      if (fact.is_installed) ++snapshots_installed_;
      scheduler_.Note(fact.is_installed ? "installed" : "applied", node, fact.index.value(),
                      fact.state_digest.value_or(0));
      const bool is_first = fact.index > invariants_->highest_committed();
      invariants_->OnApplied(node, fact);
      if (is_first) OnCommitted(node, fact.index);
      read_audit_->CheckLeases();
    };
    observer.on_resumed = [this] { read_audit_->CheckLeases(); };
    observer.on_failure = failure_handler();
    const std::vector<NodeId> founders = Founders();
    for (std::size_t i = 1; i <= founders.size() + personality_.spare_nodes; ++i) {
      const NodeId id(i);
      SimNodeOptions node;
      node.id = id;
      node.nodes = founders.size() + personality_.spare_nodes;
      if (i <= founders.size()) node.configuration.voters = founders;
      node.seed = scheduler_.random().Next();
      node.clock_drift_ppm = DrawDrift();
      node.clock_at_start =
          MonotonicTime{scheduler_.Between(std::chrono::seconds(1), std::chrono::hours(100))};
      node.append_bytes_max = personality_.append_bytes_max;
      node.inflight_messages_max = personality_.inflight_messages_max;
      node.election_spread = personality_.election_spread;
      node.cached_bytes_max = personality_.cached_bytes_max;
      node.leases = personality_.leases;
      // One may still have in its log what others have cut off.
      const bool keeps_log = scheduler_.random().Chance(1, 3);
      node.snapshots.entries = keeps_log ? UINT64_MAX : personality_.snapshot_entries;
      node.snapshots.interval = personality_.snapshot_interval;
      node.snapshots.check_interval = std::chrono::milliseconds(100);
      node.snapshots.retry_delay = std::chrono::milliseconds(200);
      node.log_tail_bytes = personality_.log_tail_bytes;
      node.snapshot_chunk_bytes = personality_.snapshot_chunk_bytes;
      node.disk_full_one_in = personality_.disk_full_one_in;
      node.stickiness_min = personality_.stickiness_min;
      node.stickiness_max = personality_.stickiness_max;
      nodes_.push_back(std::make_unique<SimNode>(scheduler_, network_, node, observer));
      nodes_.back()->disk().OnLogWrite(
          [this, id](const LogWrite& write) { invariants_->OnLogWrite(id, write); });
    }
  }

  std::vector<NodeId> Founders() const {
    std::vector<NodeId> founders;
    for (std::size_t i = 1; i <= options_.nodes; ++i) founders.push_back(NodeId(i));
    return founders;
  }

  void BuildChecks() {
    std::map<NodeId, const SimDisk*> disks;
    std::map<NodeId, CheckedMachine> machines;
    for (SimNode* node : NodePointers()) {
      disks[node->id()] = &node->disk();
      machines[node->id()] = {.disk = &node->disk(), .clock = &node->clock()};
    }
    memberships_ = std::make_unique<Memberships>(Founders());
    invariants_ =
        std::make_unique<Invariants>(kSimGroup, std::move(disks), *memberships_, failure_handler());
    promises_ = std::make_unique<PromiseChecks>(kSimGroup, std::move(machines), *memberships_,
                                                failure_handler());
    network_.OnSend(
        [this](NodeId from, const std::string& payload) { promises_->OnSend(from, payload); });
    read_audit_ = std::make_unique<ReadAudit>(
        scheduler_, NodePointers(), [this] { return invariants_->highest_committed(); },
        failure_handler());
  }

  void OnCommitted(NodeId node, LogIndex index) {
    const auto record = nodes_[node.value() - 1]->disk().CurrentRecord(kSimGroup, index);
    if (record) write_census_.OnCommitted(*record);
  }

  std::function<void(std::string)> failure_handler() {
    return [this](std::string what) { Fail(std::move(what)); };
  }

  // In millionths.
  std::int64_t DrawDrift() {
    constexpr std::int64_t kBound = 10'000;
    Random& random = scheduler_.random();
    if (personality_.drifts_at_bound) return random.Chance(1, 2) ? kBound : -kBound;
    return static_cast<std::int64_t>(random.Below(2 * kBound + 1)) - kBound;
  }

  std::vector<SimNode*> NodePointers() const {
    std::vector<SimNode*> pointers;
    for (const auto& node : nodes_) pointers.push_back(node.get());
    return pointers;
  }

  // The nodes of `healed` that are to come back: members of the group.
  std::vector<SimNode*> MembersOf(const std::vector<SimNode*>& healed) const {
    const std::set<NodeId> members = memberships_->present().Everyone();
    std::vector<SimNode*> chosen;
    std::ranges::copy_if(healed, std::back_inserter(chosen),
                         [&](SimNode* node) { return members.contains(node->id()); });
    return chosen;
  }

  // Heals, and waits until every healed member has applied something that was written since.
  void Recover() {
    if (scheduler_.is_halted()) return;
    nemesis_->Stop();
    const std::vector<SimNode*> core =
        options_.mode == SimMode::kLiveness ? nemesis_->PickMajority() : NodePointers();
    scheduler_.Note("healing", kNoNode, core.size());
    const LogIndex before = invariants_->highest_committed();
    const SimTime healed_at = scheduler_.now();
    nemesis_->Heal(core);
    if (options_.mode == SimMode::kLiveness) nemesis_->IsolateAllBut(core);
    clients_->UseOnly(core);

    const SimTime deadline = healed_at + options_.recovery_max;
    while (scheduler_.now() < deadline && !scheduler_.is_halted()) {
      scheduler_.RunUntil(scheduler_.now() + std::chrono::milliseconds(10));
      // Faults that were to end by themselves may still restart or pause a node: keep it healed.
      const bool has_recovered = std::ranges::all_of(MembersOf(core), [&](SimNode* node) {
        return node->is_running() && LogIndex(node->driver().view().applied.load()) > before.Next();
      });
      if (has_recovered) {
        recovery_ = scheduler_.now() - healed_at;
        return Settle(core);
      }
      for (SimNode* node : core) {
        if (!node->is_running()) node->Start();
      }
    }
    Fail(fmt::format(
        "no progress on a healed majority within {} s",
        std::chrono::duration_cast<std::chrono::seconds>(options_.recovery_max).count()));
  }

  // Until nothing has been committed for 2 s. A node that was paused and is cut off in one
  // direction may bring late what clients asked of it before.
  void AwaitQuiet() {
    const SimTime deadline = scheduler_.now() + options_.recovery_max;
    SimTime since = scheduler_.now();
    LogIndex committed = invariants_->highest_committed();
    while (scheduler_.now() < std::min(since + std::chrono::seconds(2), deadline) &&
           !scheduler_.is_halted()) {
      scheduler_.RunUntil(scheduler_.now() + std::chrono::milliseconds(10));
      if (invariants_->highest_committed() == committed) continue;
      committed = invariants_->highest_committed();
      since = scheduler_.now();
    }
  }

  // With nothing new to do, all healed members must come to stand at the same index, and no change
  // of members stays half done.
  void Settle(const std::vector<SimNode*>& core) {
    clients_->Stop();
    AwaitQuiet();
    if (scheduler_.is_halted()) return;
    if (!memberships_->present().outgoing.empty()) Fail("a joint configuration is never left");
    for (SimNode* node : core) {
      const bool leads = node->is_running() && node->driver().view().is_leader.load();
      if (leads && !memberships_->present().voters.contains(node->id())) {
        Fail(fmt::format("node {} leads and is no voter", node->id().value()));
      }
    }
    for (SimNode* node : MembersOf(core)) {
      if (!node->is_running()) continue;
      const LogIndex applied(node->driver().view().applied.load());
      if (applied == invariants_->highest_committed()) continue;
      Fail(fmt::format("node {} stands at {} while {} is committed, 2 s after the last commit",
                       node->id().value(), applied.value(),
                       invariants_->highest_committed().value()));
    }
  }

  void Fail(std::string what) {
    if (failure_) return;
    failure_ =
        fmt::format("at {:.6f} s: {}", static_cast<double>(scheduler_.now().count()) / 1e9, what);
    scheduler_.Note("FAILURE: " + *failure_, kNoNode);
    scheduler_.Halt();
  }

  SimReport Report() const {
    SimReport report;
    report.failure = failure_;
    report.is_undecided = is_undecided_;
    report.trace_hash = scheduler_.trace_hash();
    report.events = scheduler_.events_run();
    report.entries_committed = invariants_->highest_committed().value();
    report.writes_acknowledged = clients_->writes_acknowledged();
    report.reads_answered = clients_->reads_answered();
    report.not_applied = clients_->not_applied();
    report.outcomes_unknown = clients_->outcomes_unknown();
    report.snapshots_installed = snapshots_installed_;
    report.simulated = scheduler_.now();
    report.faults = nemesis_->struck();
    report.recovery = recovery_;
    return report;
  }

  const SimOptions options_;
  SimScheduler scheduler_;
  SimNetwork network_;
  const Personality personality_;
  std::unique_ptr<Memberships> memberships_;
  std::unique_ptr<Invariants> invariants_;
  std::unique_ptr<PromiseChecks> promises_;
  WriteCensus write_census_{failure_handler()};
  std::unique_ptr<ReadAudit> read_audit_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::unique_ptr<SimClients> clients_;
  std::unique_ptr<Nemesis> nemesis_;
  std::optional<std::string> failure_;
  bool is_undecided_ = false;
  std::uint64_t snapshots_installed_ = 0;
  Duration recovery_{0};
};

}  // namespace

SimReport RunSimulation(const SimOptions& options) {
  return Simulation(options).Run();
}

std::string ReplayCommand(const SimOptions& options) {
  std::string without;
  for (const Fault fault : options.without)
    without += fmt::format(" --without {}", ToString(fault));
  return fmt::format("seshat-sim --seed {} --nodes {} --seconds {} --mode {}{}{}{}", options.seed,
                     options.nodes,
                     std::chrono::duration_cast<std::chrono::seconds>(options.faults_for).count(),
                     options.mode == SimMode::kSafety ? "safety" : "liveness", without,
                     ChosenBug().empty() ? "" : " --bug ", ChosenBug());
}

}  // namespace seshat

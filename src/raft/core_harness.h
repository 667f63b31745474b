// CoreHarness: n Cores on one simulated network, clock and set of disks, for the core's own tests.
//
// A test decides what is delivered, when a disk finishes and who crashes; the harness keeps what
// is durable apart from what is only in memory and checks the safety properties after every step.
// It is not the simulator (sim/): no driver, no codecs, no state machine but a list.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "seshat/raft/core.h"

namespace seshat {

// What survives a crash.
struct HarnessDisk {
  HardState hard_state;
  SnapshotDescriptor snapshot;
  std::vector<Entry> entries;  // right after the snapshot

  LogIndex last() const { return snapshot.index + entries.size(); }
  void Write(const Ready& ready);
  RestoredState Restore(LogIndex applied) const;
};

struct HarnessNode {
  CoreOptions options;
  std::unique_ptr<Core> core;  // null while it is down
  HarnessDisk disk;
  bool disk_held = false;    // writes wait for ReleaseDisk
  std::deque<Ready> writes;  // handed out, not durable
  LogIndex applied;
  std::vector<ReadGrant> reads;
  std::vector<std::uint64_t> failed_reads;
  std::size_t fetches = 0;
  bool log_unreadable = false;         // fetches come back empty
  std::optional<SnapshotOffer> offer;  // the last one that was not taken up
  bool ignores_offers = false;
  std::size_t installs = 0;
  std::int64_t clock_permille = 1000;  // how fast its clock runs
};

class CoreHarness {
 public:
  using Filter = std::function<bool(const Message&)>;

  explicit CoreHarness(std::size_t nodes, std::uint64_t seed = 1);
  CoreHarness(Configuration configuration, std::vector<NodeId> nodes, std::uint64_t seed = 1);

  static Configuration Voters(std::size_t count);
  // Changes every node's options and starts them all anew, as new nodes.
  void Configure(const std::function<void(CoreOptions&)>& change);

  HarnessNode& node(std::uint64_t id) { return nodes_.at(NodeId(id)); }
  Core& core(std::uint64_t id) { return *node(id).core; }
  MonotonicTime Now(std::uint64_t id) const;

  // Delivers everything, again and again, until nothing moves. No time passes.
  void Settle();
  // Lets time pass in steps of 10 ms, settling after each.
  void Advance(Duration span);
  void AdvanceMs(std::int64_t span) { Advance(std::chrono::milliseconds(span)); }
  // Lets time pass for everybody's clock, but nobody notices: a pause.
  void Freeze(Duration span) { elapsed_ += span; }
  // Makes `id` the leader and commits its no-op. Pre: nothing stands in the way.
  void Elect(std::uint64_t id);

  // Appends `text` on `id`, which must lead.
  LogIndex Propose(std::uint64_t id, const std::string& text);
  // Cuts off everything that `id` has applied, and keeps a snapshot of it for its followers.
  void Compact(std::uint64_t id);
  // What an offer asks for: the state is there at once.
  void TakeUpOffer(std::uint64_t id);
  // A node without a log that knows of no members, for a configuration to come.
  void AddNode(std::uint64_t id);
  // Appends an entry that changes the members; joint configurations are left by themselves.
  Status ChangeMembers(std::uint64_t id, const Configuration& next);
  // Steps a hand-made message into `message.to` and collects what comes of it.
  void Step(Message message);
  // Takes all Readys of a node; finishes its writes unless its disk is held.
  void Pump(std::uint64_t id);
  void Tick(std::uint64_t id);

  void Crash(std::uint64_t id);  // loses what is not durable
  void Restart(std::uint64_t id);
  void HoldDisk(std::uint64_t id) { node(id).disk_held = true; }
  void ReleaseDisk(std::uint64_t id);
  // The oldest write of a held disk becomes durable.
  void FinishOneWrite(std::uint64_t id);

  // Messages for which it returns true are lost when sent. One filter at a time.
  void LoseIf(Filter filter) { lost_ = std::move(filter); }
  void LoseNothing() { lost_ = nullptr; }
  void Isolate(std::uint64_t id);

  std::vector<std::uint64_t> Leaders() const;
  // Payloads applied on `id`.
  std::vector<std::string> Applied(std::uint64_t id) const;

  std::deque<Message>& network() { return network_; }
  std::map<NodeId, HarnessNode>& nodes() { return nodes_; }
  // Every message ever sent, newest last; cleared by the test when it counts.
  std::vector<Message>& sent() { return sent_; }
  LogIndex committed() const { return LogIndex(committed_.size()); }
  void DeliverAt(std::size_t position, bool keep_copy);

 private:
  void Start(HarnessNode& node, bool is_restart);
  void Send(std::vector<Message> messages);
  void Finish(HarnessNode& node, const Ready& ready);
  void LeaveJoint(HarnessNode& node);
  void Serve(HarnessNode& node, const FetchRequest& request);
  void Apply(HarnessNode& node);
  void CheckSafety(const HarnessNode& node);

  Configuration configuration_;
  std::map<NodeId, HarnessNode> nodes_;
  std::deque<Message> network_;
  std::vector<Message> sent_;
  Filter lost_;
  Duration elapsed_{0};
  std::map<Term, NodeId> leader_of_term_;
  std::map<LogIndex, Term> committed_terms_;
  std::map<LogIndex, std::pair<Term, std::string>> committed_;
};

std::string TextOf(const Entry& entry);
Entry MakeEntry(std::uint64_t term, std::uint64_t index, const std::string& text = "");
Entry MakeConfigEntry(std::uint64_t term, std::uint64_t index, Configuration configuration);

}  // namespace seshat

// ScriptWorld: bare cores, the messages between them and their disks, moved by hand.
//
// A script (script.h) decides what is delivered, whose clock moves, when a disk finishes and who
// crashes. Nothing happens by itself, but that a disk which is not held back finishes at once and
// that what may be applied is applied. There is no driver, no codec and no state machine here: the
// simulation (simulation.h) has those. After everything that a node does, the world checks that
// there is one leader a term, one committed entry an index, and none missing in a new leader's log.
#pragma once

#include <cstddef>
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

// The unit of all time in scripts: one heartbeat interval.
inline constexpr Duration kScriptTick = std::chrono::milliseconds(100);
// Every clock at the start of a script: any time but 0, which stands for "never" in places.
inline constexpr MonotonicTime kScriptBoot{std::chrono::seconds(1000)};

// What survives a crash.
struct ScriptDisk {
  HardState hard_state;
  SnapshotDescriptor snapshot;
  std::vector<Entry> entries;  // right after the snapshot

  LogIndex last() const { return snapshot.index + entries.size(); }
  // Pre: index is in (snapshot.index, last()].
  const Entry& At(LogIndex index) const;
  void Write(const Ready& ready);
  RestoredState Restore() const;
};

struct ScriptNode {
  CoreOptions options;
  std::unique_ptr<Core> core;  // null while it is down
  ScriptDisk disk;
  bool is_disk_held = false;
  std::deque<Ready> writes;  // handed out, not finished; the first one needs the disk
  LogIndex applied;          // by a state machine in memory: gone with the process
  Duration elapsed{0};       // on its clock

  MonotonicTime Now() const { return kScriptBoot + elapsed; }
  std::size_t WaitingWrites() const;
};

struct ScriptRead {
  enum class State : std::uint8_t { kWaiting, kGranted, kServed, kFailed };
  std::uint64_t number = 0;  // 1 and up, in the order of asking
  NodeId node;
  State state = State::kWaiting;
  LogIndex index;  // once granted
};

enum class LinkState : std::uint8_t {
  kUp,
  kSlow,  // messages stay in flight until they are delivered one by one
  kCut,   // messages are lost when sent
};

// Pre: of every method: nodes exist, and are up where the method makes them do something.
// Threads: owned by the script's thread.
class ScriptWorld {
 public:
  // Starts one new node for each of `options`, all with `configuration`.
  // Pre: ValidateCoreOptions accepts each; ids are 1, 2, 3, ...
  ScriptWorld(const std::vector<CoreOptions>& options, const Configuration& configuration);

  const std::map<NodeId, ScriptNode>& nodes() const { return nodes_; }
  const ScriptNode& node(NodeId id) const { return nodes_.at(id); }
  const Configuration& configuration() const { return configuration_; }
  // In the order of sending, but for what Reorder and Duplicate did.
  const std::vector<Message>& in_flight() const { return in_flight_; }
  const std::vector<ScriptRead>& reads() const { return reads_; }
  // The first safety property that did not hold.
  const std::optional<std::string>& violation() const { return violation_; }

  // One tick passes on the clock of `id`. A node that is down gets older, too.
  void Tick(NodeId id);
  // Time passes, but the node does not notice: its process or its machine stood still.
  void Pause(NodeId id, std::uint64_t ticks);
  void Campaign(NodeId id);
  // Errors: those of Core::TransferLeadership; nothing has changed then.
  Status Transfer(NodeId id, NodeId to);
  // All in one turn. Errors: those of Core::Propose; some may have been appended then.
  Status Propose(NodeId id, std::uint64_t count);
  // Errors: those of Core::RequestRead; there is no new read then.
  Status Read(NodeId id);

  // Hands a message to its receiver, whatever the link is like. One that is down loses it.
  void Step(Message message);
  // Removes the messages in flight that `is_wanted` accepts and returns them in their order.
  std::vector<Message> TakeInFlight(const std::function<bool(const Message&)>& is_wanted);
  // Where in in_flight() the messages of a link are, in their order.
  std::vector<std::size_t> PositionsOf(NodeId from, NodeId to) const;
  // Takes one message out of in_flight().
  Message TakeAt(std::size_t position);
  // A copy of one goes to the end.
  void Duplicate(std::size_t position);
  // The link's messages exchange places: the one that was `order[i]`-th (from 0) becomes the i-th.
  // Pre: `order` is a permutation of the link's messages.
  void Reorder(NodeId from, NodeId to, const std::vector<std::size_t>& order);
  // Delivers everything that is not on a slow link, until nothing moves. No time passes.
  void Settle();
  // A cut loses what is on its way, too.
  void SetLink(NodeId from, NodeId to, LinkState state);
  void HealLinks() { links_.clear(); }

  // From now on writes wait for FinishWrite or ReleaseDisk. They do their work in order.
  void HoldDisk(NodeId id) { nodes_.at(id).is_disk_held = true; }
  // The oldest write becomes durable. Pre: there is one.
  void FinishWrite(NodeId id);
  void ReleaseDisk(NodeId id);
  // What is not durable is lost, and so is the state machine.
  void Crash(NodeId id);
  // Pre: it is down.
  void Restart(NodeId id);
  // Replaces what a node that is down has on its disk. Pre: ValidateRestoredState accepts it.
  void SetDisk(NodeId id, ScriptDisk disk);

 private:
  void Start(ScriptNode& node, bool is_restart);
  // Does what the node's Readys say, until there are no more.
  void Pump(ScriptNode& node);
  void Finish(ScriptNode& node, const Ready& ready);
  void Send(std::vector<Message> messages);
  void Fetch(ScriptNode& node, const FetchRequest& request);
  void NoteReads(const ScriptNode& node, const Ready& ready);
  void Apply(ScriptNode& node);
  LinkState LinkOf(NodeId from, NodeId to) const;
  void CheckSafety(const ScriptNode& node);
  void Violate(std::string what);

  Configuration configuration_;
  std::map<NodeId, ScriptNode> nodes_;
  std::vector<Message> in_flight_;
  std::map<std::pair<NodeId, NodeId>, LinkState> links_;  // those that are not up
  std::vector<ScriptRead> reads_;
  std::map<Term, NodeId> leaders_;
  std::map<LogIndex, Term> committed_;
  std::optional<std::string> violation_;
};

}  // namespace seshat

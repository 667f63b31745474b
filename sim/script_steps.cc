#include "script_steps.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "script_text.h"

namespace seshat {
namespace {

using World = std::unique_ptr<ScriptWorld>;
using Output = Result<std::string>;

constexpr std::uint64_t kNodesMax = 9;
constexpr std::uint64_t kCountMax = 10'000;  // of ticks, proposals and writes in one step

std::unexpected<Error> Wrong(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, std::move(message));
}

Output Wrong(const Status& status) {
  return std::unexpected(status.error());
}

NodeId TakeUpNode(const World& world, StepWords& words) {
  const NodeId id = words.TakeNode();
  if (!world->node(id).core) words.Fail(fmt::format("node {} is down", id.value()));
  return id;
}

// --- starting ---------------------------------------------------------------------------------

// The i-th of the numbers, or the only one.
std::optional<std::uint64_t> NumberOf(const std::vector<std::uint64_t>& numbers, std::size_t i,
                                      std::size_t nodes) {
  if (numbers.size() == 1) return numbers[0];
  if (numbers.size() == nodes) return numbers[i];
  return std::nullopt;
}

Status SetOption(std::string_view name, std::string_view value, std::vector<CoreOptions>& options) {
  if (name == "leases") {
    if (value != "on" && value != "off") {
      return Wrong(fmt::format("leases is '{}', must be on or off", value));
    }
    for (CoreOptions& of_node : options) of_node.leases = value == "on";
    return {};
  }
  const std::vector<std::uint64_t> numbers = ParseScriptNumbers(value);
  for (std::size_t i = 0; i < options.size(); ++i) {
    const auto number = NumberOf(numbers, i, options.size());
    if (!number || *number == 0 || *number > kCountMax) {
      return Wrong(fmt::format("{} is '{}', must be a number from 1 to {}, or one for each node",
                               name, value, kCountMax));
    }
    const Duration span = static_cast<Duration::rep>(*number) * kScriptTick;
    if (name == "timeout") {
      // The bounds leave one choice to chance, so that the timeout is exactly this.
      options[i].election_timeout_max = span;
      options[i].election_timeout_min = span - Duration(1);
    } else if (name == "stickiness") {
      options[i].stickiness = span;
    } else {
      options[i].append_bytes_max = *number * Entry::kOverheadBytes;  // entries here are empty
    }
  }
  return {};
}

// Voters and learners of `configuration` from the fields `voters`, `outgoing` and `learners`.
Status SetMembers(std::string_view name, std::string_view value, Configuration& configuration) {
  std::vector<NodeId>& members = name == "voters"     ? configuration.voters
                                 : name == "outgoing" ? configuration.voters_outgoing
                                                      : configuration.learners;
  members = ParseScriptNodes(value);
  if (!members.empty()) return {};
  return Wrong(fmt::format("{} is '{}', must be ascending numbers of nodes", name, value));
}

bool IsMemberField(std::string_view name) {
  return name == "voters" || name == "outgoing" || name == "learners";
}

Output StartNodes(World& world, StepWords& words) {
  const std::uint64_t count = words.TakeNumber("the number of nodes", 1, kNodesMax);
  constexpr std::array<std::string_view, 7> kAllowed = {"timeout", "stickiness", "leases",  "batch",
                                                        "voters",  "outgoing",   "learners"};
  const auto fields = words.TakeFields(kAllowed);
  if (const Status status = words.Finish(); !status) return Wrong(status);

  std::vector<CoreOptions> options(count);
  Configuration configuration;
  for (std::uint64_t i = 0; i < count; ++i) {
    options[i].id = NodeId(i + 1);
    options[i].heartbeat_interval = kScriptTick;
    configuration.voters.emplace_back(i + 1);
  }
  Status status = SetOption("timeout", "10", options);
  if (status) status = SetOption("stickiness", "5", options);
  for (const auto& [name, value] : fields) {
    if (!status) break;
    status = IsMemberField(name) ? SetMembers(name, value, configuration)
                                 : SetOption(name, value, options);
  }
  if (!status) return Wrong(status);
  for (const CoreOptions& of_node : options) {
    // The only two that a script can get wrong.
    if (ValidateCoreOptions(of_node)) continue;
    return Wrong("a timeout must be at least 3 ticks, and more than the stickiness");
  }
  world = std::make_unique<ScriptWorld>(options, configuration);
  return "";
}

// --- time and requests ------------------------------------------------------------------------

Output TickNodes(World& world, StepWords& words) {
  const std::vector<NodeId> nodes = words.TakeNodes();
  const std::uint64_t ticks = words.TakeNumberOr(1, "the number of ticks", kCountMax);
  if (const Status status = words.Finish(); !status) return Wrong(status);
  for (std::uint64_t i = 0; i < ticks; ++i) {
    for (const NodeId id : nodes) world->Tick(id);
  }
  return "";
}

Output PauseNodes(World& world, StepWords& words) {
  const std::vector<NodeId> nodes = words.TakeNodes();
  const std::uint64_t ticks = words.TakeNumber("the number of ticks", 1, kCountMax);
  if (const Status status = words.Finish(); !status) return Wrong(status);
  for (const NodeId id : nodes) world->Pause(id, ticks);
  return "";
}

Output RunWorld(World& world, StepWords& words) {
  const std::uint64_t ticks = words.TakeNumberOr(1, "the number of ticks", kCountMax);
  if (const Status status = words.Finish(); !status) return Wrong(status);
  for (std::uint64_t i = 0; i < ticks; ++i) {
    for (const auto& [id, node] : world->nodes()) world->Tick(id);
    world->Settle();
  }
  return "";
}

Output StartCampaign(World& world, StepWords& words) {
  const NodeId id = TakeUpNode(world, words);
  if (const Status status = words.Finish(); !status) return Wrong(status);
  world->Campaign(id);
  return "";
}

Output TransferLeadership(World& world, StepWords& words) {
  const NodeId from = TakeUpNode(world, words);
  const NodeId to = words.TakeNode();
  if (const Status status = words.Finish(); !status) return Wrong(status);
  const Status begun = world->Transfer(from, to);
  return begun ? "" : fmt::format("refused: {}\n", begun.error().message());
}

Output ProposeEntries(World& world, StepWords& words) {
  const NodeId id = TakeUpNode(world, words);
  const std::uint64_t count = words.TakeNumberOr(1, "the number of proposals", kCountMax);
  if (const Status status = words.Finish(); !status) return Wrong(status);
  const Status proposed = world->Propose(id, count);
  return proposed ? "" : fmt::format("refused: {}\n", proposed.error().message());
}

Output RequestRead(World& world, StepWords& words) {
  const NodeId id = TakeUpNode(world, words);
  if (const Status status = words.Finish(); !status) return Wrong(status);
  const Status asked = world->Read(id);
  if (!asked) return fmt::format("refused: {}\n", asked.error().message());
  return FormatRead(world->reads().back()) + '\n';
}

// --- messages ---------------------------------------------------------------------------------

bool Holds(const std::vector<NodeId>& nodes, NodeId id) {
  return std::ranges::find(nodes, id) != nodes.end();
}

// What a step about messages speaks of: a link or several, and maybe the place of one message.
struct MessageChoice {
  std::vector<NodeId> from;
  std::vector<NodeId> to;
  std::optional<std::size_t> position;  // in ScriptWorld::in_flight()
};

void TakePosition(const World& world, StepWords& words, MessageChoice& choice) {
  const std::uint64_t place = words.TakeNumber("the place of the message", 1, kCountMax);
  if (choice.from.size() != 1 || choice.to.size() != 1) {
    return words.Fail("a place needs one sender and one receiver");
  }
  const auto positions = world->PositionsOf(choice.from[0], choice.to[0]);
  if (place > positions.size()) {
    return words.Fail(fmt::format("there is no message {} from {} to {}, {} are in flight", place,
                                  choice.from[0].value(), choice.to[0].value(), positions.size()));
  }
  choice.position = positions[place - 1];
}

MessageChoice TakeChoice(const World& world, StepWords& words) {
  MessageChoice choice{.from = words.TakeNodes(), .to = words.TakeNodes(), .position = {}};
  if (!words.IsEmpty()) TakePosition(world, words, choice);
  return choice;
}

std::vector<Message> TakeChosen(ScriptWorld& world, const MessageChoice& choice) {
  if (choice.position) return {world.TakeAt(*choice.position)};
  return world.TakeInFlight([&](const Message& message) {
    return Holds(choice.from, message.from) && Holds(choice.to, message.to);
  });
}

Output DeliverMessages(World& world, StepWords& words) {
  const MessageChoice choice = TakeChoice(world, words);
  if (const Status status = words.Finish(); !status) return Wrong(status);
  std::vector<Message> messages = TakeChosen(*world, choice);
  for (Message& message : messages) world->Step(std::move(message));
  return messages.empty() ? "nothing in flight\n" : "";
}

Output DropMessages(World& world, StepWords& words) {
  const MessageChoice choice = TakeChoice(world, words);
  if (const Status status = words.Finish(); !status) return Wrong(status);
  return TakeChosen(*world, choice).empty() ? "nothing in flight\n" : "";
}

Output DuplicateMessage(World& world, StepWords& words) {
  MessageChoice choice{.from = {words.TakeNode()}, .to = {words.TakeNode()}, .position = {}};
  TakePosition(world, words, choice);
  if (const Status status = words.Finish(); !status) return Wrong(status);
  world->Duplicate(*choice.position);
  return "";
}

Output ReorderMessages(World& world, StepWords& words) {
  const NodeId from = words.TakeNode();
  const NodeId to = words.TakeNode();
  std::vector<std::size_t> order;
  for (const std::uint64_t place : words.TakeNumbers("the new order")) order.push_back(place - 1);
  std::vector<std::size_t> places = order;
  std::ranges::sort(places);
  bool is_permutation = places.size() == world->PositionsOf(from, to).size();
  for (std::size_t i = 0; i < places.size(); ++i) is_permutation &= places[i] == i;
  if (!is_permutation) {
    words.Fail(fmt::format("the new order must name each of the messages 1 to {} once",
                           world->PositionsOf(from, to).size()));
  }
  if (const Status status = words.Finish(); !status) return Wrong(status);
  world->Reorder(from, to, order);
  return "";
}

Output InjectMessage(World& world, StepWords& words) {
  Message message;
  // The sender may be a stranger.
  message.from = NodeId(words.TakeNumber("the sender", 1, kNodesMax));
  message.to = TakeUpNode(world, words);
  const std::string_view name = words.TakeWord("the type of the message");
  const auto type = ParseMessageType(name);
  if (!type) {
    return Wrong(fmt::format("{}; there are {}", type.error().message(),
                             fmt::join(ScriptMessageNames(), ", ")));
  }
  message.type = *type;
  const auto fields = words.TakeFields(FieldsOf(message.type));
  if (const Status status = words.Finish(); !status) return Wrong(status);
  for (const auto& [field, value] : fields) {
    if (const Status status = ParseMessageField(field, value, message); !status) {
      return Wrong(status);
    }
  }
  world->Step(std::move(message));
  return "";
}

Output SettleWorld(World& world, StepWords& words) {
  if (const Status status = words.Finish(); !status) return Wrong(status);
  world->Settle();
  return "";
}

// --- links ------------------------------------------------------------------------------------

void SetLinks(ScriptWorld& world, const std::vector<NodeId>& from, const std::vector<NodeId>& to,
              LinkState state) {
  for (const NodeId sender : from) {
    for (const NodeId receiver : to) {
      if (sender != receiver) world.SetLink(sender, receiver, state);
    }
  }
}

Output Partition(World& world, StepWords& words) {
  std::vector<std::vector<NodeId>> sides = {words.TakeNodes()};
  while (!words.IsEmpty()) {
    if (const std::string_view bar = words.TakeWord("|"); bar != "|") {
      words.Fail(fmt::format("'{}' stands where | must stand", bar));
    }
    sides.push_back(words.TakeNodes());
  }
  if (sides.size() < 2) words.Fail("a partition has at least two sides");
  std::vector<NodeId> named;
  for (const auto& side : sides) named.insert(named.end(), side.begin(), side.end());
  std::ranges::sort(named);
  if (std::ranges::adjacent_find(named) != named.end()) words.Fail("a node is on two sides");
  if (const Status status = words.Finish(); !status) return Wrong(status);
  for (const auto& side : sides) {
    for (const auto& other : sides) {
      if (side != other) SetLinks(*world, side, other, LinkState::kCut);
    }
  }
  return "";
}

template <LinkState state>
Output ChangeLinks(World& world, StepWords& words) {
  const std::vector<NodeId> from = words.TakeNodes();
  const std::vector<NodeId> to = words.TakeNodes();
  if (const Status status = words.Finish(); !status) return Wrong(status);
  SetLinks(*world, from, to, state);
  return "";
}

Output Heal(World& world, StepWords& words) {
  if (const Status status = words.Finish(); !status) return Wrong(status);
  world->HealLinks();
  return "";
}

// --- disks and processes ----------------------------------------------------------------------

template <void (ScriptWorld::*change)(NodeId)>
Output ChangeDisks(World& world, StepWords& words) {
  const std::vector<NodeId> nodes = words.TakeNodes();
  if (const Status status = words.Finish(); !status) return Wrong(status);
  for (const NodeId id : nodes) ((*world).*change)(id);
  return "";
}

Output PersistWrites(World& world, StepWords& words) {
  const NodeId id = words.TakeNode();
  const std::size_t waiting = world->node(id).WaitingWrites();
  const std::uint64_t count = words.TakeNumberOr(waiting, "the number of writes", kCountMax);
  if (count > waiting || waiting == 0) {
    words.Fail(fmt::format("{} writes of node {} wait", waiting, id.value()));
  }
  if (const Status status = words.Finish(); !status) return Wrong(status);
  for (std::uint64_t i = 0; i < count; ++i) world->FinishWrite(id);
  return "";
}

Output CrashNodes(World& world, StepWords& words) {
  const std::vector<NodeId> nodes = words.TakeNodes();
  for (const NodeId id : nodes) {
    if (!world->node(id).core) words.Fail(fmt::format("node {} is down already", id.value()));
  }
  if (const Status status = words.Finish(); !status) return Wrong(status);
  for (const NodeId id : nodes) world->Crash(id);
  return "";
}

Output RestartNodes(World& world, StepWords& words) {
  const std::vector<NodeId> nodes = words.TakeNodes();
  for (const NodeId id : nodes) {
    if (world->node(id).core) words.Fail(fmt::format("node {} is up; crash it first", id.value()));
  }
  if (const Status status = words.Finish(); !status) return Wrong(status);
  for (const NodeId id : nodes) world->Restart(id);
  return "";
}

Status SetDiskField(std::string_view name, const std::string& value, ScriptDisk& disk) {
  if (IsMemberField(name)) return SetMembers(name, value, disk.snapshot.configuration);
  if (name == "log") {
    auto entries = ParseEntries(value);
    if (!entries) return std::unexpected(entries.error());
    disk.entries = std::move(*entries);
    return {};
  }
  if (name == "snapshot") {
    const auto position = ParseEntries(value);
    if (!position || position->size() != 1) {
      return Wrong(fmt::format("snapshot is '{}', must be INDEX:TERM", value));
    }
    disk.snapshot.index = position->front().index;
    disk.snapshot.term = position->front().term;
    return {};
  }
  const auto number = ParseScriptNumber(value);
  if (!number) return Wrong(fmt::format("{} is '{}', must be a number", name, value));
  if (name == "term") disk.hard_state.term = Term(*number);
  if (name == "vote") disk.hard_state.vote = NodeId(*number);
  if (name == "commit") disk.hard_state.commit = LogIndex(*number);
  if (name == "promise") {
    disk.hard_state.promise = static_cast<Duration::rep>(*number) * kScriptTick;
  }
  return {};
}

Output SetDisk(World& world, StepWords& words) {
  const NodeId id = words.TakeNode();
  if (world->node(id).core) words.Fail(fmt::format("node {} is up; crash it first", id.value()));
  constexpr std::array<std::string_view, 9> kAllowed = {
      "term", "vote", "commit", "promise", "snapshot", "voters", "outgoing", "learners", "log"};
  const auto fields = words.TakeFields(kAllowed);
  if (const Status status = words.Finish(); !status) return Wrong(status);
  ScriptDisk disk;
  disk.snapshot.configuration = world->configuration();
  for (const auto& [name, value] : fields) {
    if (const Status status = SetDiskField(name, value, disk); !status) return Wrong(status);
  }
  LogIndex next = disk.snapshot.index.Next();
  for (const Entry& entry : disk.entries) {
    if (entry.index != next) return Wrong(fmt::format("the log must go on with {}", next.value()));
    next = next.Next();
  }
  if (const Status status = ValidateRestoredState(disk.Restore()); !status) {
    return Wrong(status.error().message());
  }
  world->SetDisk(id, std::move(disk));
  return "";
}

// --- questions --------------------------------------------------------------------------------

Output ShowMessages(World& world, StepWords& words) {
  if (const Status status = words.Finish(); !status) return Wrong(status);
  std::string text;
  for (const auto& [from, sender] : world->nodes()) {
    for (const auto& [to, receiver] : world->nodes()) {
      std::size_t place = 0;
      for (const std::size_t position : world->PositionsOf(from, to)) {
        text += fmt::format("{}->{} {} {}\n", from.value(), to.value(), ++place,
                            FormatMessage(world->in_flight()[position]));
      }
    }
  }
  return text.empty() ? "nothing in flight\n" : text;
}

Output ShowReads(World& world, StepWords& words) {
  if (const Status status = words.Finish(); !status) return Wrong(status);
  std::string text;
  for (const ScriptRead& read : world->reads()) text += FormatRead(read) + '\n';
  return text.empty() ? "no reads\n" : text;
}

Output ShowProgress(World& world, StepWords& words) {
  const NodeId id = TakeUpNode(world, words);
  if (const Status status = words.Finish(); !status) return Wrong(status);
  std::string text;
  for (const FollowerStatus& follower : world->node(id).core->GetStatus().followers) {
    text += FormatFollower(id, follower) + '\n';
  }
  return text.empty() ? "no followers\n" : text;
}

Output ShowMembers(World& world, StepWords& words) {
  if (const Status status = words.Finish(); !status) return Wrong(status);
  std::string text;
  for (const auto& [id, node] : world->nodes()) {
    if (node.core) text += FormatMembers(id, node.core->GetStatus().configuration) + '\n';
  }
  return text;
}

constexpr std::array kStepKinds = {
    StepKind{"nodes",
             "nodes COUNT [timeout=TICKS,..] [stickiness=TICKS,..] [leases=on|off] "
             "[batch=ENTRIES,..] [voters=NODES] [outgoing=NODES] [learners=NODES]",
             StartNodes},
    StepKind{"tick", "tick NODES [TICKS]", TickNodes},
    StepKind{"pause", "pause NODES TICKS", PauseNodes},
    StepKind{"run", "run [TICKS]", RunWorld},
    StepKind{"settle", "settle", SettleWorld},
    StepKind{"campaign", "campaign NODE", StartCampaign},
    StepKind{"transfer", "transfer NODE NODE", TransferLeadership},
    StepKind{"propose", "propose NODE [COUNT]", ProposeEntries},
    StepKind{"read", "read NODE", RequestRead},
    StepKind{"deliver", "deliver NODES NODES [PLACE]", DeliverMessages},
    StepKind{"drop", "drop NODES NODES [PLACE]", DropMessages},
    StepKind{"duplicate", "duplicate NODE NODE PLACE", DuplicateMessage},
    StepKind{"reorder", "reorder NODE NODE PLACE,PLACE,..", ReorderMessages},
    StepKind{"inject", "inject NODE NODE TYPE [FIELD=VALUE..]", InjectMessage},
    StepKind{"partition", "partition NODES | NODES [| NODES..]", Partition},
    StepKind{"cut", "cut NODES NODES", ChangeLinks<LinkState::kCut>},
    StepKind{"slow", "slow NODES NODES", ChangeLinks<LinkState::kSlow>},
    StepKind{"heal", "heal", Heal},
    StepKind{"hold", "hold NODES", ChangeDisks<&ScriptWorld::HoldDisk>},
    StepKind{"persist", "persist NODE [WRITES]", PersistWrites},
    StepKind{"release", "release NODES", ChangeDisks<&ScriptWorld::ReleaseDisk>},
    StepKind{"crash", "crash NODES", CrashNodes},
    StepKind{"restart", "restart NODES", RestartNodes},
    StepKind{"disk",
             "disk NODE [term=N] [vote=N] [commit=N] [promise=TICKS] [snapshot=INDEX:TERM] "
             "[voters=NODES] [outgoing=NODES] [learners=NODES] [log=INDEX:TERM ..]",
             SetDisk},
    StepKind{"messages", "messages", ShowMessages},
    StepKind{"reads", "reads", ShowReads},
    StepKind{"progress", "progress NODE", ShowProgress},
    StepKind{"members", "members", ShowMembers},
};

}  // namespace

std::span<const StepKind> StepKinds() {
  return kStepKinds;
}

}  // namespace seshat

#include "script_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <optional>

#include "script_words.h"

namespace seshat {
namespace {

struct Position {
  LogIndex index;
  Term term;
};

std::string FormatPosition(LogIndex index, Term term) {
  return fmt::format("{}:{}", index.value(), term.value());
}

std::optional<Position> ParsePosition(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto index = ParseScriptNumber(text.substr(0, colon));
  const auto term = ParseScriptNumber(text.substr(colon + 1));
  if (!index || !term) return std::nullopt;
  return Position{LogIndex(*index), Term(*term)};
}

std::string FormatEntries(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) {
    if (!text.empty()) text += ' ';
    text += FormatPosition(entry.index, entry.term);
  }
  return text;
}

// One word.
std::string NameOf(MessageType type) {
  std::string name(ToString(type));
  std::ranges::replace(name, ' ', '-');
  return name;
}

// "1,2,3" or "1,3;2": voters and learners.
std::shared_ptr<const Configuration> ParseConfiguration(std::string_view text) {
  Configuration configuration;
  const std::size_t semicolon = text.find(';');
  configuration.voters = ParseScriptNodes(text.substr(0, semicolon));
  if (configuration.voters.empty()) return nullptr;
  if (semicolon != std::string_view::npos) {
    configuration.learners = ParseScriptNodes(text.substr(semicolon + 1));
    if (configuration.learners.empty()) return nullptr;
  }
  return std::make_shared<const Configuration>(std::move(configuration));
}

std::optional<Entry> ParseEntry(std::string_view word) {
  const std::size_t bracket = word.find('(');
  const auto position = ParsePosition(word.substr(0, bracket));
  if (!position) return std::nullopt;
  Entry entry;
  entry.index = position->index;
  entry.term = position->term;
  if (bracket == std::string_view::npos) return entry;
  if (!word.ends_with(')')) return std::nullopt;
  entry.type = EntryType::kConfig;
  entry.configuration = ParseConfiguration(word.substr(bracket + 1, word.size() - bracket - 2));
  if (!entry.configuration) return std::nullopt;
  return entry;
}

std::string FormatNodes(const std::vector<NodeId>& nodes) {
  std::string text;
  for (const NodeId node : nodes) {
    if (!text.empty()) text += ',';
    text += std::to_string(node.value());
  }
  return text;
}

std::uint64_t TicksOf(Duration span) {
  return static_cast<std::uint64_t>(span / kScriptTick);
}

Duration OfTicks(std::uint64_t ticks) {
  return static_cast<Duration::rep>(ticks) * kScriptTick;
}

// A field in both directions. `format` gives nothing where the message does not have it.
struct MessageField {
  std::string_view name;
  std::string_view form;
  std::optional<std::string> (*format)(const Message&);
  bool (*parse)(std::string_view, Message&);
};

bool ParseVerdict(std::string_view value, Message& message) {
  message.reject = value == "refused";
  return value == "refused" || value == "granted";
}

bool ParseLogPosition(std::string_view value, Message& message) {
  const auto position = ParsePosition(value);
  if (!position) return false;
  message.log_index = position->index;
  message.log_term = position->term;
  return true;
}

std::optional<std::string> FormatLogPosition(const Message& message) {
  return FormatPosition(message.log_index, message.log_term);
}

bool ParseHint(std::string_view value, Message& message) {
  const auto position = ParsePosition(value);
  if (!position) return false;
  message.hint_index = position->index;
  message.hint_term = position->term;
  return true;
}

bool ParseMessageEntries(std::string_view value, Message& message) {
  auto entries = ParseEntries(value);
  if (!entries) return false;
  message.entries = std::move(*entries);
  return true;
}

// For fields that are numbers: `set` is told the number.
template <auto set>
bool ParseNumberField(std::string_view value, Message& message) {
  const auto number = ParseScriptNumber(value);
  if (number) set(message, *number);
  return number.has_value();
}

std::optional<std::string> Unless(bool is_missing, std::uint64_t value) {
  if (is_missing) return std::nullopt;
  return std::to_string(value);
}

constexpr std::string_view kNumber = "a number";
constexpr std::string_view kPosition = "INDEX:TERM";

const std::array kFields = {
    MessageField{"term", kNumber, [](const Message& m) { return Unless(false, m.term.value()); },
                 ParseNumberField<[](Message& m, std::uint64_t value) { m.term = Term(value); }>},
    MessageField{"vote", "granted or refused",
                 [](const Message& m) -> std::optional<std::string> {
                   return m.reject ? "refused" : "granted";
                 },
                 ParseVerdict},
    MessageField{"last", kPosition, FormatLogPosition, ParseLogPosition},
    MessageField{"previous", kPosition, FormatLogPosition, ParseLogPosition},
    MessageField{
        "commit", kNumber, [](const Message& m) { return Unless(false, m.commit.value()); },
        ParseNumberField<[](Message& m, std::uint64_t value) { m.commit = LogIndex(value); }>},
    MessageField{
        "entries", "INDEX:TERM or INDEX:TERM(VOTERS[;LEARNERS]) of each, separated by blanks",
        [](const Message& m) -> std::optional<std::string> { return FormatEntries(m.entries); },
        ParseMessageEntries},
    MessageField{
        "match", kNumber, [](const Message& m) { return Unless(m.reject, m.log_index.value()); },
        ParseNumberField<[](Message& m, std::uint64_t value) { m.log_index = LogIndex(value); }>},
    MessageField{"refused", kNumber,
                 [](const Message& m) { return Unless(!m.reject, m.log_index.value()); },
                 ParseNumberField<[](Message& m, std::uint64_t value) {
                   m.reject = true;
                   m.log_index = LogIndex(value);
                 }>},
    MessageField{"hint", kPosition,
                 [](const Message& m) -> std::optional<std::string> {
                   if (!m.reject) return std::nullopt;
                   return FormatPosition(m.hint_index, m.hint_term);
                 },
                 ParseHint},
    MessageField{"read", kNumber,
                 [](const Message& m) { return Unless(m.read_context == 0, m.read_context); },
                 ParseNumberField<[](Message& m, std::uint64_t value) { m.read_context = value; }>},
    MessageField{
        "index", kNumber, [](const Message& m) { return Unless(m.reject, m.log_index.value()); },
        ParseNumberField<[](Message& m, std::uint64_t value) { m.log_index = LogIndex(value); }>},
    MessageField{"sent", "a number of ticks",
                 [](const Message& m) { return Unless(false, TicksOf(m.sent_at - kScriptBoot)); },
                 ParseNumberField<[](Message& m, std::uint64_t value) {
                   m.sent_at = kScriptBoot + OfTicks(value);
                 }>},
    MessageField{
        "promise", "a number of ticks",
        [](const Message& m) { return Unless(false, TicksOf(m.promise)); },
        ParseNumberField<[](Message& m, std::uint64_t value) { m.promise = OfTicks(value); }>},
    MessageField{"transfer", "1", [](const Message& m) { return Unless(!m.transfer, 1); },
                 [](std::string_view value, Message& m) { return m.transfer = value == "1"; }},
};

// In the order in which they are shown.
struct MessageKind {
  MessageType type;
  std::vector<std::string_view> fields;
};

const std::vector<MessageKind>& Kinds() {
  static const std::vector<MessageKind> kinds = {
      {MessageType::kPreVoteRequest, {"term", "last"}},
      {MessageType::kPreVoteResponse, {"term", "vote"}},
      {MessageType::kVoteRequest, {"term", "last", "transfer"}},
      {MessageType::kVoteResponse, {"term", "vote"}},
      {MessageType::kAppendRequest, {"term", "previous", "commit", "entries"}},
      {MessageType::kAppendResponse, {"term", "match", "refused", "hint"}},
      {MessageType::kHeartbeatRequest, {"term", "commit", "read", "sent", "promise"}},
      {MessageType::kHeartbeatResponse, {"term", "read", "sent", "promise"}},
      {MessageType::kReadIndexRequest, {"term", "read"}},
      {MessageType::kReadIndexResponse, {"term", "read", "index", "refused"}},
  };
  return kinds;
}

const MessageField& FieldNamed(std::string_view name) {
  return *std::ranges::find(kFields, name, &MessageField::name);
}

void FormatLag(const ScriptNode& node, const CoreStatus& status, std::string& text) {
  const auto out = std::back_inserter(text);
  if (node.applied < status.commit_index) fmt::format_to(out, " applied={}", node.applied.value());
  if (!node.writes.empty()) {
    fmt::format_to(out, " durable={} writes={}", status.durable_index.value(),
                   node.WaitingWrites());
  }
}

}  // namespace

std::string FormatNode(const ScriptNode& node) {
  std::string text = fmt::format("n{} ", node.options.id.value());
  const auto out = std::back_inserter(text);
  const HardState& disk = node.disk.hard_state;
  if (!node.core) {
    fmt::format_to(out, "down term={} vote={} leader=0 commit={}", disk.term.value(),
                   disk.vote.value(), disk.commit.value());
  } else {
    const CoreStatus status = node.core->GetStatus();
    fmt::format_to(out, "{} term={} vote={} leader={} commit={}", ToString(status.role),
                   status.term.value(), status.vote.value(), status.leader.value(),
                   status.commit_index.value());
    FormatLag(node, status, text);
  }
  const SnapshotDescriptor& snapshot = node.disk.snapshot;
  if (snapshot.index > LogIndex{}) {
    fmt::format_to(out, " snapshot={}", FormatPosition(snapshot.index, snapshot.term));
  }
  text += " log=";
  if (!node.core) return text + FormatEntries(node.disk.entries);
  std::vector<Entry> entries;
  const LogIndex last = node.core->GetStatus().last_index;
  for (LogIndex i = snapshot.index.Next(); i <= last; i = i.Next()) {
    Entry& entry = entries.emplace_back();
    entry.index = i;
    entry.term = node.core->TermAt(i);
  }
  return text + FormatEntries(entries);
}

std::string FormatMessage(const Message& message) {
  std::string text = NameOf(message.type);
  for (const std::string_view name : FieldsOf(message.type)) {
    const auto value = FieldNamed(name).format(message);
    if (value) fmt::format_to(std::back_inserter(text), " {}={}", name, *value);
  }
  return text;
}

std::string FormatRead(const ScriptRead& read) {
  std::string who = fmt::format("read {} n{}", read.number, read.node.value());
  switch (read.state) {
    case ScriptRead::State::kWaiting:
      return who + " waiting";
    case ScriptRead::State::kGranted:
      return fmt::format("{} granted index={}", who, read.index.value());
    case ScriptRead::State::kServed:
      return fmt::format("{} served index={}", who, read.index.value());
    case ScriptRead::State::kFailed:
      return who + " failed";
  }
  return who;
}

std::string FormatFollower(NodeId node, const FollowerStatus& follower) {
  std::string_view state = "probe";
  if (follower.state == FollowerStatus::State::kReplicate) state = "replicate";
  if (follower.state == FollowerStatus::State::kSnapshot) state = "snapshot";
  return fmt::format("{}->{} {} match={} next={} in_flight={}", node.value(), follower.id.value(),
                     state, follower.match.value(), follower.next.value(),
                     follower.inflight_messages);
}

std::string FormatMembers(NodeId node, const Configuration& configuration) {
  std::string text = fmt::format("n{} voters={}", node.value(), FormatNodes(configuration.voters));
  if (configuration.IsJoint()) text += " outgoing=" + FormatNodes(configuration.voters_outgoing);
  if (!configuration.learners.empty()) text += " learners=" + FormatNodes(configuration.learners);
  return text;
}

std::vector<std::string> ScriptMessageNames() {
  std::vector<std::string> names;
  for (const MessageKind& kind : Kinds()) names.push_back(NameOf(kind.type));
  return names;
}

Result<MessageType> ParseMessageType(std::string_view name) {
  for (const MessageKind& kind : Kinds()) {
    if (NameOf(kind.type) == name) return kind.type;
  }
  return MakeError(ErrorCode::kInvalidArgument, fmt::format("there is no message '{}'", name));
}

std::vector<std::string_view> FieldsOf(MessageType type) {
  const auto kind = std::ranges::find(Kinds(), type, &MessageKind::type);
  return kind == Kinds().end() ? std::vector<std::string_view>{} : kind->fields;
}

Status ParseMessageField(std::string_view field, std::string_view value, Message& message) {
  const MessageField& known = FieldNamed(field);
  if (known.parse(value, message)) return {};
  return MakeError(ErrorCode::kInvalidArgument,
                   fmt::format("{} is '{}', must be {}", field, value, known.form));
}

Result<std::vector<Entry>> ParseEntries(std::string_view text) {
  std::vector<Entry> entries;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    auto entry = ParseEntry(word);
    if (!entry) {
      return MakeError(
          ErrorCode::kInvalidArgument,
          fmt::format("'{}' is not INDEX:TERM or INDEX:TERM(VOTERS[;LEARNERS])", word));
    }
    entries.push_back(std::move(*entry));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return entries;
}

}  // namespace seshat

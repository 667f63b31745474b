#include "inspection_output.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "seshat/admin/group_names.h"

namespace seshat {
namespace {

using Json = nlohmann::ordered_json;
using Lines = std::back_insert_iterator<std::string>;

std::string TimeText(UnixMillis time) {
  if (time.value == 0) return "-";
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(time.value / 1000),
                     time.value % 1000);
}

std::string Digest(std::uint64_t digest) {
  return fmt::format("{:016x}", digest);
}

std::string OrDash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string NodeList(const std::vector<NodeId>& nodes) {
  std::string list;
  for (const NodeId node : nodes)
    list += fmt::format("{}{}", list.empty() ? "" : ",", node.value());
  return list;
}

std::string MembersText(const InspectedMembers& members) {
  std::string text = fmt::format("voters {}", OrDash(NodeList(members.voters)));
  if (!members.voters_outgoing.empty()) {
    text += fmt::format(", outgoing {}", NodeList(members.voters_outgoing));
  }
  if (!members.learners.empty()) text += fmt::format(", learners {}", NodeList(members.learners));
  return text;
}

std::string KeysText(const std::vector<std::string>& keys) {
  std::string text;
  for (const std::string& key : keys) text += " " + Printable(key);
  return text;
}

void AddIdentity(const std::optional<InspectedIdentity>& identity, Lines out) {
  if (!identity) {
    fmt::format_to(out, "identity     cannot be read\n");
    return;
  }
  fmt::format_to(out, "node         {}\n", identity->node.value());
  fmt::format_to(out, "cluster      {}\n", OrDash(identity->cluster_id));
  fmt::format_to(out, "store        {}\n", OrDash(identity->store_id));
  fmt::format_to(out, "format       {}\n", identity->format_version);
  fmt::format_to(out, "quarantine   {}\n",
                 identity->quarantine.empty() ? "no" : Printable(identity->quarantine));
}

void AddEntry(const InspectedEntry& entry, Lines out) {
  fmt::format_to(out, "  {:>10}  term {}  {}", entry.index.value(), entry.term.value(), entry.type);
  if (entry.stamp) {
    fmt::format_to(out, "  {}  {} command{}", TimeText(*entry.stamp), entry.commands.size(),
                   entry.commands.size() == 1 ? "" : "s");
  }
  if (entry.type == "configuration") fmt::format_to(out, "  {}", MembersText(entry.members));
  fmt::format_to(out, "\n");
  for (const InspectedLogCommand& command : entry.commands) {
    const bool has_arguments = !command.arguments.empty();
    fmt::format_to(out, "              {}{}\n", Printable(command.name),
                   has_arguments
                       ? KeysText({command.arguments.begin() + 1, command.arguments.end()})
                       : KeysText(command.keys));
  }
}

void AddGroup(const InspectedGroup& group, Lines out) {
  fmt::format_to(out, "\ngroup {} ({})\n", GroupName(group.group), group.group.value());
  fmt::format_to(out, "  generations  log {}, state {}, kv {}\n", group.log_generation,
                 group.state_generation, group.kv_generation);
  fmt::format_to(out, "  hard state   term {}, vote {}, commit {}, promise {} ms\n",
                 group.term.value(), group.vote.value(), group.commit.value(),
                 std::chrono::duration_cast<std::chrono::milliseconds>(group.promise).count());
  fmt::format_to(out, "  log          {} to {}, {} records, {} bytes\n", group.first.value(),
                 group.last.value(), group.records, group.log_bytes);
  if (group.compacted_records > 0) {
    fmt::format_to(out, "               and {} compacted records, not removed yet\n",
                   group.compacted_records);
  }
  fmt::format_to(out, "  compacted    up to index {}, term {}; {}\n", group.compacted_to.value(),
                 group.compacted_term.value(), MembersText(group.members));
  fmt::format_to(out, "  applied      index {}, term {}, clock {}, revision {}\n",
                 group.applied.value(), group.applied_term.value(), TimeText(group.clock),
                 group.revision);
  fmt::format_to(out, "  state        {} keys, digest {}\n", group.key_count, Digest(group.digest));
  for (const InspectedEntry& entry : group.entries) AddEntry(entry, out);
}

void AddSnapshots(const std::vector<InspectedSnapshot>& snapshots, Lines out) {
  if (snapshots.empty()) fmt::format_to(out, "no snapshots\n");
  for (const InspectedSnapshot& snapshot : snapshots) {
    fmt::format_to(out, "snapshot {}\n  taken {}, {} bytes\n", snapshot.name,
                   TimeText(snapshot.created_at), snapshot.size_bytes);
    for (const InspectedSnapshotGroup& group : snapshot.groups) {
      fmt::format_to(out, "  {:<10} index {}, term {}, {} keys, digest {}; {}\n",
                     GroupName(group.group), group.index.value(), group.term.value(),
                     group.key_count, Digest(group.digest), MembersText(group.members));
    }
  }
}

void AddVerdict(const std::vector<std::string>& damage, std::string_view sound, Lines out) {
  for (const std::string& finding : damage)
    fmt::format_to(out, "DAMAGED: {}\n", Printable(finding));
  if (damage.empty()) fmt::format_to(out, "{}\n", sound);
}

Json NodesJson(const std::vector<NodeId>& nodes) {
  Json list = Json::array();
  for (const NodeId node : nodes) list.push_back(node.value());
  return list;
}

Json MembersJson(const InspectedMembers& members) {
  return {{"voters", NodesJson(members.voters)},
          {"voters_outgoing", NodesJson(members.voters_outgoing)},
          {"learners", NodesJson(members.learners)}};
}

Json TextsJson(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(Printable(text));
  return list;
}

Json EntryJson(const InspectedEntry& entry) {
  Json json{{"index", entry.index.value()}, {"term", entry.term.value()}, {"type", entry.type}};
  if (entry.type == "configuration") json["configuration"] = MembersJson(entry.members);
  if (!entry.stamp) return json;
  json["stamp_ms"] = entry.stamp->value;
  Json commands = Json::array();
  for (const InspectedLogCommand& command : entry.commands) {
    Json one{{"name", Printable(command.name)}, {"keys", TextsJson(command.keys)}};
    if (!command.arguments.empty()) one["arguments"] = TextsJson(command.arguments);
    commands.push_back(std::move(one));
  }
  json["commands"] = std::move(commands);
  return json;
}

Json GroupJson(const InspectedGroup& group) {
  using std::chrono::milliseconds;
  Json entries = Json::array();
  for (const InspectedEntry& entry : group.entries) entries.push_back(EntryJson(entry));
  return {{"group_id", group.group.value()},
          {"name", GroupName(group.group)},
          {"generations",
           {{"log", group.log_generation},
            {"state", group.state_generation},
            {"kv", group.kv_generation}}},
          {"hard_state",
           {{"term", group.term.value()},
            {"vote", group.vote.value()},
            {"commit", group.commit.value()},
            {"promise_ms", std::chrono::duration_cast<milliseconds>(group.promise).count()}}},
          {"log",
           {{"first", group.first.value()},
            {"last", group.last.value()},
            {"records", group.records},
            {"bytes", group.log_bytes},
            {"compacted_records", group.compacted_records}}},
          {"compacted",
           {{"index", group.compacted_to.value()},
            {"term", group.compacted_term.value()},
            {"configuration", MembersJson(group.members)}}},
          {"applied",
           {{"index", group.applied.value()},
            {"term", group.applied_term.value()},
            {"clock_ms", group.clock.value},
            {"revision", group.revision},
            {"key_count", group.key_count},
            {"digest", Digest(group.digest)}}},
          {"entries", std::move(entries)}};
}

Json SnapshotsJson(const std::vector<InspectedSnapshot>& snapshots) {
  Json list = Json::array();
  for (const InspectedSnapshot& snapshot : snapshots) {
    Json groups = Json::array();
    for (const InspectedSnapshotGroup& group : snapshot.groups) {
      groups.push_back({{"group_id", group.group.value()},
                        {"name", GroupName(group.group)},
                        {"index", group.index.value()},
                        {"term", group.term.value()},
                        {"key_count", group.key_count},
                        {"digest", Digest(group.digest)},
                        {"configuration", MembersJson(group.members)}});
    }
    list.push_back({{"name", snapshot.name},
                    {"created_at_ms", snapshot.created_at.value},
                    {"size_bytes", snapshot.size_bytes},
                    {"groups", std::move(groups)}});
  }
  return list;
}

}  // namespace

int PrintFailure(std::string_view command, const Error& why) {
  fmt::print(stderr, "{}: {}\n", command, why.message());
  const bool is_refused = why.code() == ErrorCode::kNotFound ||
                          why.code() == ErrorCode::kFailedPrecondition ||
                          why.code() == ErrorCode::kInvalidArgument;
  return is_refused ? 2 : 1;
}

std::string Printable(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    if (byte == '\\') {
      text += "\\\\";
    } else if (byte >= ' ' && byte <= '~') {
      text += byte;
    } else {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
  }
  return text;
}

std::string ToTable(const DirectoryInspection& inspection) {
  std::string text;
  const Lines out(text);
  AddIdentity(inspection.identity, out);
  for (const InspectedGroup& group : inspection.groups) AddGroup(group, out);
  fmt::format_to(out, "\n");
  AddSnapshots(inspection.snapshots, out);
  fmt::format_to(out, "\n");
  for (const std::string& note : inspection.notes) {
    fmt::format_to(out, "note: {}\n", Printable(note));
  }
  AddVerdict(inspection.damage, "sound: every file was read, and every check passed", out);
  return text;
}

std::string ToJson(const DirectoryInspection& inspection) {
  Json json;
  json["is_sound"] = inspection.damage.empty();
  json["identity"] = nullptr;
  if (const std::optional<InspectedIdentity>& identity = inspection.identity) {
    json["identity"] = {{"format_version", identity->format_version},
                        {"node_id", identity->node.value()},
                        {"cluster_id", identity->cluster_id},
                        {"store_id", identity->store_id},
                        {"quarantine", Printable(identity->quarantine)}};
  }
  json["groups"] = Json::array();
  for (const InspectedGroup& group : inspection.groups) json["groups"].push_back(GroupJson(group));
  json["snapshots"] = SnapshotsJson(inspection.snapshots);
  json["notes"] = TextsJson(inspection.notes);
  json["damage"] = TextsJson(inspection.damage);
  return json.dump(2) + "\n";
}

std::string ToTable(const SnapshotsInspection& inspection, bool is_verified) {
  std::string text;
  const Lines out(text);
  AddSnapshots(inspection.snapshots, out);
  if (is_verified || !inspection.damage.empty()) {
    AddVerdict(inspection.damage, "sound: every file was read, and holds what METADATA says", out);
  }
  return text;
}

std::string ToJson(const SnapshotsInspection& inspection, bool is_verified) {
  const Json json{{"is_sound", inspection.damage.empty()},
                  {"is_verified", is_verified},
                  {"snapshots", SnapshotsJson(inspection.snapshots)},
                  {"damage", TextsJson(inspection.damage)}};
  return json.dump(2) + "\n";
}

}  // namespace seshat

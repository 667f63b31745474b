#include "seshat/commands/command_inspection.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ascii_case.h"
#include "seshat/base/check.h"
#include "seshat/commands/command_table.h"
#include "seshat/commands/error_replies.h"
#include "seshat/commands/glob_pattern.h"

namespace seshat {
namespace {

template <BitSet T>
struct NamedBit {
  T bit = T::kNone;
  std::string_view name;
};

// In the order in which Redis lists them.
constexpr NamedBit<CommandFlag> kFlagNames[] = {
    {CommandFlag::kWrite, "write"},
    {CommandFlag::kReadOnly, "readonly"},
    {CommandFlag::kDenyOom, "denyoom"},
    {CommandFlag::kAdmin, "admin"},
    {CommandFlag::kNoScript, "noscript"},
    {CommandFlag::kLoading, "loading"},
    {CommandFlag::kStale, "stale"},
    {CommandFlag::kFast, "fast"},
    {CommandFlag::kNoAuth, "no_auth"},
    {CommandFlag::kAllowBusy, "allow_busy"},
    {CommandFlag::kNoAsyncLoading, "no_async_loading"},
};

constexpr NamedBit<AclCategory> kCategoryNames[] = {
    {AclCategory::kKeyspace, "@keyspace"},
    {AclCategory::kRead, "@read"},
    {AclCategory::kWrite, "@write"},
    {AclCategory::kString, "@string"},
    {AclCategory::kAdmin, "@admin"},
    {AclCategory::kFast, "@fast"},
    {AclCategory::kSlow, "@slow"},
    {AclCategory::kDangerous, "@dangerous"},
    {AclCategory::kConnection, "@connection"},
};

constexpr NamedBit<KeyAccess> kAccessNames[] = {
    {KeyAccess::kRo, "RO"},
    {KeyAccess::kRw, "RW"},
    {KeyAccess::kOw, "OW"},
    {KeyAccess::kRm, "RM"},
    {KeyAccess::kAccess, "access"},
    {KeyAccess::kUpdate, "update"},
    {KeyAccess::kInsert, "insert"},
    {KeyAccess::kDelete, "delete"},
    {KeyAccess::kVariableFlags, "variable_flags"},
};

template <BitSet T>
Reply NamesOf(T set, std::span<const NamedBit<T>> names) {
  std::vector<Reply> items;
  for (const NamedBit<T>& named : names) {
    if (Has(set, named.bit)) items.push_back(Reply::Simple(named.name));
  }
  return Reply::Set(std::move(items));
}

Reply Text(std::string_view text) {
  return Reply::Bulk(std::string(text));
}

// A map whose fields are added one by one.
// Threads: owned by its user.
class MapBuilder {
 public:
  MapBuilder& Add(std::string_view key, Reply value) {
    items_.push_back(Text(key));
    items_.push_back(std::move(value));
    return *this;
  }
  MapBuilder& AddText(std::string_view key, std::string_view value) {
    return value.empty() ? *this : Add(key, Text(value));
  }
  Reply Build() { return Reply::Map(std::move(items_)); }

 private:
  std::vector<Reply> items_;
};

Reply KeySpecifications(const CommandSpec& spec) {
  if (spec.first_key == 0) return Reply::Set({});
  // In a key specification the last key is counted from the first.
  const int last = spec.last_key < 0 ? spec.last_key : spec.last_key - spec.first_key;
  Reply begin = MapBuilder()
                    .AddText("type", "index")
                    .Add("spec", MapBuilder().Add("index", Reply::Integer(spec.first_key)).Build())
                    .Build();
  Reply find = MapBuilder()
                   .AddText("type", "range")
                   .Add("spec", MapBuilder()
                                    .Add("lastkey", Reply::Integer(last))
                                    .Add("keystep", Reply::Integer(spec.key_step))
                                    .Add("limit", Reply::Integer(0))
                                    .Build())
                   .Build();
  std::vector<Reply> specifications;
  specifications.push_back(MapBuilder()
                               .Add("flags", NamesOf<KeyAccess>(spec.key_access, kAccessNames))
                               .Add("begin_search", std::move(begin))
                               .Add("find_keys", std::move(find))
                               .Build());
  return Reply::Set(std::move(specifications));
}

Reply InfoOf(const CommandSpec& spec) {
  std::vector<Reply> tips;
  for (std::string_view tip : spec.tips) tips.push_back(Text(tip));
  std::vector<Reply> subcommands;
  for (const CommandSpec& sub : spec.Subcommands()) subcommands.push_back(InfoOf(sub));
  const bool is_container = !subcommands.empty();

  std::vector<Reply> info;
  info.push_back(Text(spec.full_name));
  info.push_back(Reply::Integer(spec.arity));
  info.push_back(NamesOf<CommandFlag>(spec.flags, kFlagNames));
  info.push_back(Reply::Integer(spec.first_key));
  info.push_back(Reply::Integer(spec.last_key));
  info.push_back(Reply::Integer(spec.key_step));
  info.push_back(NamesOf<AclCategory>(spec.acl_categories, kCategoryNames));
  info.push_back(Reply::Set(std::move(tips)));
  info.push_back(KeySpecifications(spec));
  info.push_back(is_container ? Reply::Array(std::move(subcommands)) : Reply::Set({}));
  return Reply::Array(std::move(info));
}

std::string_view NameOf(ArgumentType type) {
  switch (type) {
    case ArgumentType::kString:
      return "string";
    case ArgumentType::kInteger:
      return "integer";
    case ArgumentType::kKey:
      return "key";
    case ArgumentType::kPattern:
      return "pattern";
    case ArgumentType::kUnixTime:
      return "unix-time";
    case ArgumentType::kPureToken:
      return "pure-token";
    case ArgumentType::kOneOf:
      return "oneof";
    case ArgumentType::kBlock:
      return "block";
  }
  return "";
}

Reply DocsOf(std::span<const ArgumentSpec> arguments) {
  std::vector<Reply> docs;
  for (const ArgumentSpec& argument : arguments) {
    MapBuilder map;
    map.AddText("name", argument.name).AddText("type", NameOf(argument.type));
    // Every command of the table has at most one key specification.
    if (argument.type == ArgumentType::kKey) map.Add("key_spec_index", Reply::Integer(0));
    map.AddText("token", argument.token).AddText("since", argument.since);
    std::vector<Reply> flags;
    if (argument.optional) flags.push_back(Reply::Simple("optional"));
    if (argument.multiple) flags.push_back(Reply::Simple("multiple"));
    if (!flags.empty()) map.Add("flags", Reply::Set(std::move(flags)));
    if (argument.part_count > 0) map.Add("arguments", DocsOf(argument.Parts()));
    docs.push_back(map.Build());
  }
  return Reply::Array(std::move(docs));
}

Reply DocsOf(const CommandSpec& spec) {
  MapBuilder map;
  map.AddText("summary", spec.summary)
      .AddText("since", spec.since)
      .AddText("group", spec.group)
      .AddText("complexity", spec.complexity);
  if (!spec.deprecated_since.empty()) {
    map.Add("doc_flags", Reply::Set({Reply::Simple("deprecated")}))
        .AddText("deprecated_since", spec.deprecated_since)
        .AddText("replaced_by", spec.replaced_by);
  }
  if (!spec.arguments.empty()) map.Add("arguments", DocsOf(spec.arguments));
  if (spec.subcommand_count > 0) {
    MapBuilder subcommands;
    for (const CommandSpec& sub : spec.Subcommands()) subcommands.Add(sub.full_name, DocsOf(sub));
    map.Add("subcommands", subcommands.Build());
  }
  return map.Build();
}

Reply Info(Arguments names) {
  std::vector<Reply> infos;
  if (names.empty()) {
    for (const CommandSpec* spec : AllCommands()) infos.push_back(InfoOf(*spec));
  }
  for (std::string_view name : names) {
    const CommandSpec* spec = FindCommandByFullName(name);
    infos.push_back(spec == nullptr ? Reply::Null() : InfoOf(*spec));
  }
  return Reply::Array(std::move(infos));
}

Reply Docs(Arguments names) {
  MapBuilder map;
  if (names.empty()) {
    for (const CommandSpec* spec : AllCommands()) map.Add(spec->full_name, DocsOf(*spec));
  }
  for (std::string_view name : names) {
    const CommandSpec* spec = FindCommandByFullName(name);
    if (spec != nullptr) map.Add(spec->full_name, DocsOf(*spec));
  }
  return map.Build();
}

bool HasCategory(const CommandSpec& spec, std::string_view category) {
  for (const NamedBit<AclCategory>& named : kCategoryNames) {
    // The names in the table begin with an at sign, the argument does not.
    if (EqualsIgnoringCase(named.name.substr(1), category)) {
      return Has(spec.acl_categories, named.bit);
    }
  }
  return false;
}

template <typename Predicate>
Reply ListIf(const Predicate& listed) {
  std::vector<Reply> names;
  for (const CommandSpec* spec : AllCommands()) {
    if (listed(*spec)) names.push_back(Text(spec->full_name));
    for (const CommandSpec& sub : spec->Subcommands()) {
      if (listed(sub)) names.push_back(Text(sub.full_name));
    }
  }
  return Reply::Array(std::move(names));
}

// COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]
Reply List(Arguments arguments) {
  if (arguments.size() == 2) return ListIf([](const CommandSpec&) { return true; });
  if (arguments.size() != 5 || !EqualsIgnoringCase(arguments[2], "filterby")) return SyntaxError();
  const std::string_view filter = arguments[3];
  const std::string_view operand = arguments[4];
  if (EqualsIgnoringCase(filter, "module")) return Reply::Array({});
  if (EqualsIgnoringCase(filter, "aclcat")) {
    return ListIf([&](const CommandSpec& spec) { return HasCategory(spec, operand); });
  }
  if (EqualsIgnoringCase(filter, "pattern")) {
    return ListIf([&](const CommandSpec& spec) {
      return MatchesGlob(operand, spec.full_name, LetterCase::kIgnored);
    });
  }
  return SyntaxError();
}

Reply GetKeys(Arguments call) {
  const CommandSpec* spec = FindCommand(call[0]);
  if (spec != nullptr && spec->subcommand_count > 0 && call.size() > 1) {
    spec = FindCommandByFullName(std::string(call[0]) + "|" + std::string(call[1]));
  }
  if (spec == nullptr) return Reply::Error("ERR Invalid command specified");
  if (spec->first_key == 0) return Reply::Error("ERR The command has no key arguments");
  if (!FitsArity(*spec, call.size())) {
    return Reply::Error("ERR Invalid number of arguments specified for command");
  }
  const CommandKeys keys = KeysOf(*spec, call);
  std::vector<Reply> items;
  for (std::size_t i = 0; i < keys.size(); ++i) items.push_back(Text(keys[i]));
  return Reply::Array(std::move(items));
}

}  // namespace

Reply ExecuteCommandInspection(const CommandSpec& spec, Arguments arguments) {
  switch (spec.id) {
    case CommandId::kCommand:
      return Info({});
    case CommandId::kCommandCount:
      return Reply::Integer(static_cast<std::int64_t>(AllCommands().size()));
    case CommandId::kCommandInfo:
      return Info(arguments.subspan(2));
    case CommandId::kCommandDocs:
      return Docs(arguments.subspan(2));
    case CommandId::kCommandList:
      return List(arguments);
    case CommandId::kCommandGetKeys:
      return GetKeys(arguments.subspan(2));
    default:
      CheckFailed(__FILE__, __LINE__, "spec is COMMAND or below it", spec.full_name);
  }
}

}  // namespace seshat

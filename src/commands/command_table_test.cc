#include "seshat/commands/command_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "seshat/commands/validation.h"

namespace seshat {
namespace {

using testing::ElementsAre;

std::vector<const CommandSpec*> WithSubcommands() {
  std::vector<const CommandSpec*> all;
  for (const CommandSpec* spec : AllCommands()) {
    all.push_back(spec);
    for (const CommandSpec& sub : spec->Subcommands()) all.push_back(&sub);
  }
  return all;
}

std::vector<std::string> KeysOfCall(const std::vector<std::string_view>& call) {
  const CommandKeys keys = KeysOf(*FindCommand(call[0]), call);
  std::vector<std::string> found;
  for (std::size_t i = 0; i < keys.size(); ++i) found.emplace_back(keys[i]);
  return found;
}

TEST(CommandTableTest, HoldsWhatWorksAndNothingElse) {
  std::vector<std::string> names;
  for (const CommandSpec* spec : WithSubcommands()) names.emplace_back(spec->full_name);

  EXPECT_THAT(
      names,
      ElementsAre("append", "asking", "auth", "bgsave", "client", "client|getname", "client|id",
                  "client|info", "client|list", "client|setinfo", "client|setname", "cluster",
                  "cluster|failover", "cluster|info", "cluster|keyslot", "cluster|myid",
                  "cluster|nodes", "cluster|replicas", "cluster|shards", "cluster|slaves",
                  "cluster|slots", "command", "command|count", "command|docs", "command|getkeys",
                  "command|info", "command|list", "config", "config|get", "dbsize", "decr",
                  "decrby", "del", "echo", "exists", "expire", "flushall", "flushdb", "get",
                  "hello", "incr", "incrby", "info", "lastsave", "mget", "mset", "persist",
                  "pexpire", "ping", "pttl", "quit", "readonly", "readwrite", "reset", "role",
                  "select", "set", "strlen", "time", "ttl", "type", "wait"));
}

TEST(CommandTableTest, EveryCommandIsFoundByItsNameInAnyLetterCase) {
  for (const CommandSpec* spec : WithSubcommands()) {
    std::string upper(spec->full_name);
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });

    EXPECT_EQ(FindCommandByFullName(spec->full_name), spec);
    EXPECT_EQ(FindCommandByFullName(upper), spec);
  }
}

TEST(CommandTableTest, NamesThatAreNoneAreNotFound) {
  for (std::string_view name : {"", "ge", "gett", "get|", "client|", "|", "client|setname|x"}) {
    EXPECT_EQ(FindCommandByFullName(name), nullptr) << name;
  }
}

TEST(CommandTableTest, EveryRowIsComplete) {
  std::set<CommandId> ids;
  for (const CommandSpec* spec : WithSubcommands()) {
    SCOPED_TRACE(spec->full_name);
    EXPECT_TRUE(ids.insert(spec->id).second);
    EXPECT_NE(spec->arity, 0);
    EXPECT_FALSE(spec->summary.empty());
    EXPECT_FALSE(spec->since.empty());
    EXPECT_FALSE(spec->group.empty());
    EXPECT_FALSE(spec->complexity.empty());
    EXPECT_EQ(spec->kind == CommandKind::kWrite, Has(spec->flags, CommandFlag::kWrite));
    EXPECT_EQ(spec->kind == CommandKind::kRead, Has(spec->flags, CommandFlag::kReadOnly));
    EXPECT_EQ(spec->first_key > 0, spec->key_step > 0);
    EXPECT_EQ(spec->first_key > 0, spec->key_access != KeyAccess::kNone);
    EXPECT_NE(Has(spec->acl_categories, AclCategory::kFast),
              Has(spec->acl_categories, AclCategory::kSlow));
  }
}

TEST(CommandTableTest, KeysAreWhereTheTableSays) {
  EXPECT_THAT(KeysOfCall({"GET", "k"}), ElementsAre("k"));
  EXPECT_THAT(KeysOfCall({"SET", "k", "v", "EX", "10"}), ElementsAre("k"));
  EXPECT_THAT(KeysOfCall({"MSET", "a", "1", "b", "2"}), ElementsAre("a", "b"));
  EXPECT_THAT(KeysOfCall({"DEL", "a", "b", "c"}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(KeysOfCall({"DEL"}), ElementsAre());
  EXPECT_THAT(KeysOfCall({"PING", "k"}), ElementsAre());
  EXPECT_THAT(KeysOfCall({"FLUSHALL"}), ElementsAre());
}

TEST(CommandTableTest, ResolvingGivesTheSubcommand) {
  const std::vector<std::string_view> call = {"Client", "SETNAME", "me"};

  EXPECT_EQ(ResolveCommand(call).value()->id, CommandId::kClientSetName);
}

TEST(CommandTableTest, AContainerWithoutSubcommandKeepsItsOwnArity) {
  EXPECT_EQ(ResolveCommand(std::vector<std::string_view>{"COMMAND"}).value()->id,
            CommandId::kCommand);
  EXPECT_EQ(ResolveCommand(std::vector<std::string_view>{"CONFIG"}).error().text,
            "ERR wrong number of arguments for 'config' command");
}

TEST(ValidationTest, KeysOverTheLimitAreRefusedByEveryCommandThatTakesKeys) {
  const std::string key(65'537, 'k');
  const std::string fits(65'536, 'k');
  for (const CommandSpec* spec : WithSubcommands()) {
    if (spec->first_key == 0) continue;
    SCOPED_TRACE(spec->full_name);
    const std::vector<std::string_view> call = {spec->full_name, key, "1"};

    const std::optional<Reply> error = ValidateCommand(*spec, call, ReplicatedLimits{});

    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->text, "ERR key of 65537 bytes exceeds the limit of 65536 bytes");
    EXPECT_FALSE(ValidateCommand(*spec, std::vector<std::string_view>{spec->full_name, fits, "1"},
                                 ReplicatedLimits{})
                     .has_value());
  }
}

// Redis's words, which it has in cluster mode only.
TEST(ValidationTest, FailoverTakesOneOptionOfTwo) {
  const auto text_of = [](const std::vector<std::string_view>& call) {
    const auto error = ValidateCommand(**ResolveCommand(call), call, ReplicatedLimits{});
    return error.has_value() ? error->text : "";
  };

  EXPECT_EQ(text_of({"CLUSTER", "FAILOVER"}), "");
  EXPECT_EQ(text_of({"CLUSTER", "FAILOVER", "force"}), "");
  EXPECT_EQ(text_of({"CLUSTER", "FAILOVER", "TakeOver"}), "");
  EXPECT_EQ(text_of({"CLUSTER", "FAILOVER", "x"}), "ERR syntax error");
  EXPECT_EQ(
      text_of({"CLUSTER", "FailOver", "FORCE", "x"}),
      "ERR unknown subcommand or wrong number of arguments for 'FailOver'. Try CLUSTER HELP.");
}

TEST(ValidationTest, ValuesOverTheLimitAreRefused) {
  const ReplicatedLimits limits{.key_bytes_max = 10, .value_bytes_max = 3};
  const auto text_of = [&](const std::vector<std::string_view>& call) {
    const auto error = ValidateCommand(*FindCommand(call[0]), call, limits);
    return error.has_value() ? error->text : "";
  };

  EXPECT_EQ(text_of({"SET", "k", "abc"}), "");
  EXPECT_EQ(text_of({"SET", "k", "abcd"}), "ERR value of 4 bytes exceeds the limit of 3 bytes");
  EXPECT_EQ(text_of({"APPEND", "k", "abcd"}), "ERR value of 4 bytes exceeds the limit of 3 bytes");
  EXPECT_EQ(text_of({"MSET", "k", "abc", "l", "abcd"}),
            "ERR value of 4 bytes exceeds the limit of 3 bytes");
}

}  // namespace
}  // namespace seshat

// The same commands, given to a real Redis 7.0 and to us: the same answers.
//
// Needs Debian's redis-server as $SESHAT_REDIS_SERVER or in PATH; skipped without one.
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "random_commands.h"
#include "seshat/commands/command_table.h"
#include "test_shard.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

fs::path FindRedisServer() {
  if (const char* named = std::getenv("SESHAT_REDIS_SERVER")) return named;
  const std::string path = std::getenv("PATH") == nullptr ? "" : std::getenv("PATH");
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    const fs::path candidate = fs::path(path.substr(at, end - at)) / "redis-server";
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    at = end + 1;
  }
  return {};
}

// In RESP2 terms: maps and sets are arrays there.
Reply Degrade(Reply reply) {
  if (reply.type == Reply::Type::kMap || reply.type == Reply::Type::kSet) {
    reply.type = Reply::Type::kArray;
  }
  for (Reply& item : reply.items) item = Degrade(std::move(item));
  return reply;
}

Reply FromRedis(const redisReply& reply) {
  const std::string text(reply.str == nullptr ? "" : reply.str,
                         reply.str == nullptr ? 0 : reply.len);
  switch (reply.type) {
    case REDIS_REPLY_STATUS:
      return Reply::Simple(text);
    case REDIS_REPLY_ERROR:
      return Reply::Error(text);
    case REDIS_REPLY_INTEGER:
      return Reply::Integer(reply.integer);
    case REDIS_REPLY_STRING:
      return Reply::Bulk(text);
    case REDIS_REPLY_ARRAY: {
      std::vector<Reply> items;
      for (std::size_t i = 0; i < reply.elements; ++i)
        items.push_back(FromRedis(*reply.element[i]));
      return Reply::Array(std::move(items));
    }
    default:
      return Reply::Null();
  }
}

// A Redis of our own on a socket in the test's folder.
// Threads: owned by its test.
class RedisServer {
 public:
  explicit RedisServer(const fs::path& binary) {
    const std::string socket =
        fs::path(testing::TempDir()) / ("seshat-redis-" + std::to_string(getpid()) + ".sock");
    std::vector<std::string> words = {
        binary,         "--port", "0",     "--unixsocket",     socket,      "--save",   "",
        "--appendonly", "no",     "--dir", testing::TempDir(), "--logfile", "/dev/null"};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    if (posix_spawn(&pid_, binary.c_str(), nullptr, nullptr, argv.data(), environ) != 0) return;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!IsConnected() && std::chrono::steady_clock::now() < deadline) {
      context_.reset(redisConnectUnix(socket.c_str()));
      std::this_thread::yield();
    }
  }
  ~RedisServer() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  bool IsConnected() const { return context_ != nullptr && context_->err == 0; }

  Reply Run(const std::vector<std::string>& words) {
    std::vector<const char*> argv;
    std::vector<std::size_t> sizes;
    for (const std::string& word : words) {
      argv.push_back(word.data());
      sizes.push_back(word.size());
    }
    const auto argc = static_cast<int>(words.size());
    void* raw = redisCommandArgv(context_.get(), argc, argv.data(), sizes.data());
    if (raw == nullptr) return Reply::Error("no answer from Redis");
    Reply reply = FromRedis(*static_cast<redisReply*>(raw));
    freeReplyObject(raw);
    return reply;
  }

 private:
  struct FreeContext {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  pid_t pid_ = 0;
  std::unique_ptr<redisContext, FreeContext> context_;
};

class RedisComparisonTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const fs::path binary = FindRedisServer();
    if (!binary.empty()) redis_ = std::make_unique<RedisServer>(binary);
  }
  static void TearDownTestSuite() { redis_.reset(); }

  void SetUp() override {
    if (redis_ == nullptr) {
      GTEST_SKIP() << "no redis-server: set SESHAT_REDIS_SERVER or put one into PATH";
    }
    ASSERT_TRUE(redis_->IsConnected());
    redis_->Run({"FLUSHALL"});
    shard_.now.value = std::chrono::duration_cast<std::chrono::milliseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
  }

  // Redis's answer; `ours` is brought into line where only the clocks differ.
  Reply RunBoth(const std::vector<std::string>& command, Reply& ours) {
    constexpr std::int64_t kClocksApartMax = 60'000;
    ours = Degrade(shard_.Run(command));
    Reply theirs = redis_->Run(command);
    const bool shows_time = command[0] == "TTL" || command[0] == "PTTL";
    if (shows_time && ours.integer > 0 &&
        std::abs(ours.integer - theirs.integer) < kClocksApartMax) {
      ours.integer = theirs.integer;
    }
    return theirs;
  }

  static std::unique_ptr<RedisServer> redis_;
  TestShard shard_;
};

std::unique_ptr<RedisServer> RedisComparisonTest::redis_;

TEST_F(RedisComparisonTest, RandomCommandsGetTheSameAnswers) {
  constexpr int kRuns = 40;
  constexpr int kCommands = 250;
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    RandomCommands commands(seed, RandomExpiries::kFarOrPast);
    for (int i = 0; i < kCommands; ++i) {
      const std::vector<std::string> command =
          i % 3 == 2 ? commands.NextRead() : commands.NextWrite();
      Reply ours;
      const Reply theirs = RunBoth(command, ours);
      std::string line;
      for (const std::string& word : command) line += word + " ";
      ASSERT_EQ(ToText(ours), ToText(theirs))
          << "seed " << seed << ", command " << i << ": " << line;
    }
  }
}

TEST_F(RedisComparisonTest, OddLinesGetTheSameAnswers) {
  for (const char* line : {"",
                           "FOO",
                           "foo a b",
                           "\"f\\x00o\" \"a\\nb\"",
                           "GET",
                           "get a b",
                           "MSET a",
                           "MSET a 1 b",
                           "CLIENT",
                           "client what",
                           "CLIENT SETNAME",
                           "config",
                           "CONFIG GET",
                           "CLUSTER WHAT x",
                           "COMMAND WHAT",
                           "command getkeys get",
                           "COMMAND GETKEYS GET k",
                           "COMMAND GETKEYS GET a b",
                           "COMMAND GETKEYS MSET a 1 b 2",
                           "COMMAND GETKEYS DEL a b",
                           "COMMAND GETKEYS PING a",
                           "COMMAND GETKEYS NONE a",
                           "COMMAND GETKEYS CLIENT GETNAME",
                           "COMMAND GETKEYS SET a",
                           "COMMAND LIST WHAT",
                           "COMMAND LIST FILTERBY",
                           "COMMAND LIST FILTERBY WHAT x",
                           "COMMAND LIST FILTERBY ACLCAT none",
                           "COMMAND LIST FILTERBY MODULE none",
                           "COMMAND LIST FILTERBY PATTERN expir?",
                           "COMMAND COUNT x",
                           "COMMAND INFO nonsense",
                           "COMMAND DOCS nonsense",
                           "EXPIRE k 10 \"a\\r\\nb\"",
                           "EXPIRE k 10 \"a\\r\\n\"",
                           "EXPIRE k 10 \"a\\x00b\"",
                           "FLUSHALL x",
                           "FLUSHDB ASYNC SYNC",
                           "BGSAVE x",
                           "BGSAVE SCHEDULE x",
                           "LASTSAVE x",
                           "ROLE x",
                           "WAIT 1",
                           "WAIT x y",
                           "WAIT 99999999999999999999 1",
                           "WAIT 1 x",
                           "WAIT 1 1.5",
                           "WAIT 1 99999999999999999999",
                           "WAIT 1 -1",
                           "CLUSTER REPLICAS",
                           "CLUSTER REPLICAS a b",
                           "CLUSTER SLAVES",
                           "SET k v \"\"",
                           "SET \"\" \"\"",
                           "GET \"\"",
                           "TYPE \"\""}) {
    std::vector<std::string> command = SplitLine(line);
    if (command.empty()) command.emplace_back("");
    Reply ours;
    const Reply theirs = RunBoth(command, ours);
    EXPECT_EQ(ToText(ours), ToText(theirs)) << line;
  }
}

TEST_F(RedisComparisonTest, UnknownCommandsAreQuotedToTheSameLength) {
  for (std::size_t size : {0, 1, 120, 127, 128, 129, 300}) {
    const std::string word(size, 'x');
    for (const std::vector<std::string>& command : {std::vector<std::string>{"y" + word},
                                                    {"y", word},
                                                    {"y", word, word},
                                                    {"y", "a", word},
                                                    {"y", word.substr(0, size / 2), "b", word},
                                                    {"CLIENT", "y" + word}}) {
      Reply ours;
      const Reply theirs = RunBoth(command, ours);
      EXPECT_EQ(ToText(ours), ToText(theirs));
    }
  }
}

// Everything that COMMAND INFO tells of the commands that Redis 7.0 has too.
TEST_F(RedisComparisonTest, TheTableAgrees) {
  for (const CommandSpec* top : AllCommands()) {
    std::vector<const CommandSpec*> specs = {top};
    for (const CommandSpec& sub : top->Subcommands()) specs.push_back(&sub);
    for (const CommandSpec* spec : specs) {
      if (spec->id == CommandId::kClientSetInfo) continue;  // since 7.2
      Reply ours;
      Reply theirs = RunBoth({"COMMAND", "INFO", std::string(spec->full_name)}, ours);
      ASSERT_EQ(theirs.items.size(), 1);
      constexpr std::size_t kSubcommands = 9;
      constexpr std::size_t kKeySpecifications = 8;
      ours.items[0].items[kSubcommands].items.clear();
      theirs.items[0].items[kSubcommands].items.clear();
      // The remark on SET's key specification is prose of Redis's own.
      for (Reply& specification : theirs.items[0].items[kKeySpecifications].items) {
        if (specification.items[0].text == "notes") {
          specification.items.erase(specification.items.begin(), specification.items.begin() + 2);
        }
      }
      EXPECT_EQ(ToText(ours), ToText(theirs));
    }
  }
}

const Reply* FieldOf(const Reply& flat_map, std::string_view key) {
  for (std::size_t i = 0; i + 1 < flat_map.items.size(); i += 2) {
    if (flat_map.items[i].text == key) return &flat_map.items[i + 1];
  }
  return nullptr;
}

// Containers apart: hiredis cannot read replies as deep as theirs.
TEST_F(RedisComparisonTest, TheDocumentedArgumentsAgree) {
  std::vector<const CommandSpec*> specs;
  for (const CommandSpec* top : AllCommands()) {
    if (top->subcommand_count == 0) specs.push_back(top);
    for (const CommandSpec& sub : top->Subcommands()) {
      if (sub.id != CommandId::kClientSetInfo) specs.push_back(&sub);
    }
  }
  for (const CommandSpec* spec : specs) {
    Reply ours;
    const Reply theirs = RunBoth({"COMMAND", "DOCS", std::string(spec->full_name)}, ours);
    ASSERT_EQ(ours.items.size(), 2) << spec->full_name;
    ASSERT_EQ(theirs.items.size(), 2) << spec->full_name << ToText(theirs);
    for (const char* field : {"group", "since", "arguments", "deprecated_since"}) {
      const Reply* our_field = FieldOf(ours.items.at(1), field);
      const Reply* their_field = FieldOf(theirs.items.at(1), field);
      ASSERT_EQ(our_field == nullptr, their_field == nullptr) << spec->full_name << " " << field;
      if (our_field == nullptr) continue;
      EXPECT_EQ(ToText(*our_field), ToText(*their_field)) << spec->full_name;
    }
  }
}

}  // namespace
}  // namespace seshat

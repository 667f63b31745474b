#include "log_line.h"

#include <gtest/gtest.h>

namespace seshat {
namespace {

// 2026-01-31 23:59:59.007 UTC
constexpr UnixMillis kTime{1769903999007};

TEST(LogLineTest, JsonLineHasEveryFieldInAFixedOrder) {
  const LogEvent event{.time = kTime,
                       .level = LogLevel::kWarn,
                       .target = "raft",
                       .thread = "raft-0",
                       .file = "node.cc",
                       .line = 7,
                       .message = "leader",
                       .fields = {{"group", std::uint64_t{1}}, {"up", true}, {"why", "x"}}};

  EXPECT_EQ(ToJsonLine(event),
            R"({"time":"2026-01-31T23:59:59.007Z","level":"warn","target":"raft",)"
            R"("thread":"raft-0","file":"node.cc","line":7,"message":"leader",)"
            R"("fields":{"group":1,"up":true,"why":"x"}})");
}

TEST(LogLineTest, JsonLineEscapesWhatAPeerOrAPathMayBring) {
  const std::string line = ToJsonLine({.time = kTime, .message = "a\"b\\c\nd\x01\xff"});

  EXPECT_NE(line.find(R"("message":"a\"b\\c\nd\u0001\u00ff")"), std::string::npos) << line;
}

TEST(LogLineTest, TextLineKeepsToOneLineAndOffTheTerminalsControls) {
  const std::string line = ToTextLine({.time = kTime,
                                       .target = "node",
                                       .file = "node.cc",
                                       .line = 3,
                                       .message = "a\nb\x1b[2J",
                                       .fields = {{"n", std::uint64_t{5}}}});

  EXPECT_EQ(line, "[node] a?b?[2J n=5 (node.cc:3)");
}

}  // namespace
}  // namespace seshat

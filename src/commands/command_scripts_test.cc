// Runs the dialogues of testdata/*.txt:
//
//   # Why this matters.
//   > SET k v
//   +OK
//
// Every file starts with an empty shard at time 1000000. `> @advance MS` lets time pass,
// `> @expire` runs the expiry events that are due. What stands below a line is its reply.
// With --rewrite the replies are written into the files: look at the difference before committing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "test_shard.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

// googletest leaves arguments that it does not know to us, but keeps main().
bool IsRewriting() {
  std::ifstream file("/proc/self/cmdline");
  const std::string all((std::istreambuf_iterator<char>(file)), {});
  return all.find(std::string("\0--rewrite\0", 11)) != std::string::npos;
}

std::string RunScriptLine(TestShard& shard, const std::string& line) {
  const std::vector<std::string> words = SplitLine(line);
  if (words[0] == "@advance") {
    shard.now.value += std::atoll(words.at(1).c_str());
    return "";
  }
  if (words[0] == "@expire") return "expired " + std::to_string(shard.ExpireDue()) + "\n";
  return ToText(shard.Run(words));
}

class CommandScriptTest : public testing::TestWithParam<std::string> {};

TEST_P(CommandScriptTest, GivesTheRepliesOfTheFile) {
  const fs::path path = fs::path(SESHAT_TESTDATA_DIR) / GetParam();
  std::stringstream file;
  file << std::ifstream(path).rdbuf();
  TestShard shard;
  std::string actual;
  int line_number = 0;
  for (std::string line; std::getline(file, line);) {
    ++line_number;
    if (line.starts_with("> ")) {
      actual += line + "\n" + RunScriptLine(shard, line.substr(2));
      EXPECT_EQ(shard.Inconsistency(), "") << "after line " << line_number;
    } else if (line.empty() || line.starts_with("#")) {
      actual += line + "\n";
    }
  }

  if (IsRewriting()) std::ofstream(path) << actual;
  EXPECT_EQ(actual, IsRewriting() ? actual : file.str());
}

std::vector<std::string> ScriptFiles() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(SESHAT_TESTDATA_DIR)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Files, CommandScriptTest, testing::ValuesIn(ScriptFiles()),
                         [](const auto& parameter) {
                           return fs::path(parameter.param).stem().string();
                         });

}  // namespace
}  // namespace seshat

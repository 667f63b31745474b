// Runs testdata/*.txt: commands, one a line, and the text of their replies.
//
// Every file starts with an empty shard at time 1000000. `@advance MS` lets time pass, `@expire`
// runs the expiry events that are due.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "support/golden_file.h"
#include "test_shard.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

std::string RunGoldenLine(TestShard& shard, const std::string& line) {
  const std::vector<std::string> words = SplitLine(line);
  if (words[0] == "@advance") {
    shard.now.value += std::stoll(words.at(1));
    return "";
  }
  if (words[0] == "@expire") return "expired " + std::to_string(shard.ExpireDue()) + "\n";
  return ToText(shard.Run(words));
}

class CommandGoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(CommandGoldenTest, GivesTheRepliesOfTheFile) {
  TestShard shard;
  RunGoldenFile(fs::path(SESHAT_TESTDATA_DIR) / GetParam(), [&](const std::string& input) {
    std::istringstream lines(input);
    std::string output;
    for (std::string line; std::getline(lines, line);) output += RunGoldenLine(shard, line);
    EXPECT_EQ(shard.Inconsistency(), "") << input;
    return output.substr(0, output.find_last_not_of('\n') + 1);
  });
}

std::vector<std::string> GoldenFiles() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(SESHAT_TESTDATA_DIR)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Files, CommandGoldenTest, testing::ValuesIn(GoldenFiles()),
                         [](const auto& file) { return fs::path(file.param).stem().string(); });

}  // namespace
}  // namespace seshat

// The scenarios in testdata/scenarios, and what scripts can say, refuse and notice.
//
// `sim_test --gtest_filter='*Scenario*' --rewrite` writes what was got into the scenarios. Commit
// that only if you can explain the difference: each of them is there for something that must not
// happen.
#include "script.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "script_steps.h"
#include "support/golden_file.h"

namespace seshat {
namespace {

using testing::HasSubstr;

Result<std::string> Play(const std::string& text) {
  std::istringstream in(text);
  std::ostringstream out;
  const Status status = PlayScript(in, out);
  if (!status) return std::unexpected(status.error());
  return out.str();
}

// What stands between the last step's rule and the blank line after it.
std::string LastOutput(const std::string& script) {
  const auto played = Play(script);
  if (!played) return played.error().message();
  const std::size_t rule = played->rfind("----\n");
  return played->substr(rule + 5, played->size() - rule - 6);
}

std::string ErrorOf(const std::string& script) {
  const auto played = Play(script);
  return played ? "no error" : played.error().message();
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> Scenarios() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(SESHAT_TESTDATA_DIR "/scenarios")) {
    names.push_back(file.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

TEST(ScenarioTest, EveryScenarioEndsAsItIsWritten) {
  ASSERT_FALSE(Scenarios().empty());
  for (const std::string& name : Scenarios()) {
    const std::string path = SESHAT_TESTDATA_DIR "/scenarios/" + name + ".txt";
    const std::string text = ReadFile(path);
    const auto played = Play(text);
    if (!played) {
      ADD_FAILURE() << path << ": " << played.error().message();
      continue;
    }
    ExpectGoldenText(path, text, *played);
  }
}

TEST(ScriptTest, TheOutputIsAScriptWithItselfAsOutput) {
  const std::string script =
      "# A story.\n\n# Its beginning.\nnodes 3\ncampaign 1\n\n\n# Its end.\nsettle\nmessages\n";

  const std::string once = *Play(script);

  EXPECT_THAT(once, testing::StartsWith("# A story.\n\n# Its beginning.\nnodes 3\n----\nn1 "));
  EXPECT_EQ(*Play(once), once);
}

TEST(ScriptTest, AStepWrittenBelowOldOutputIsNotTakenForOutput) {
  const std::string once = *Play("nodes 1\n");
  const std::string more = once.substr(0, once.size() - 1) + "# Then.\ntick 1\n";

  EXPECT_THAT(*Play(more), HasSubstr("# Then.\ntick 1\n----\n"));
}

TEST(ScriptTest, AStateShowsEveryNode) {
  EXPECT_EQ(LastOutput("nodes 3\ncampaign 1\nsettle\npropose 1 2\ncrash 3\n"),
            "n1 leader term=1 vote=1 leader=1 commit=1 log=1:1 2:1 3:1\n"
            "n2 follower term=1 vote=1 leader=1 commit=0 log=1:1\n"
            "n3 down term=1 vote=1 leader=0 commit=0 log=1:1\n");
}

TEST(ScriptTest, AHeldDiskShowsWhatIsNotDurableAndACrashLosesIt) {
  const std::string script =
      "nodes 3\ncampaign 1\nsettle\nhold 2\npropose 1\nsettle\npropose 1\nsettle\n";

  EXPECT_THAT(LastOutput(script), HasSubstr("n2 follower term=1 vote=1 leader=1 commit=2 applied=1 "
                                            "durable=1 writes=2 log=1:1 2:1 3:1\n"));
  EXPECT_THAT(LastOutput(script + "persist 2 1\n"),
              HasSubstr(" commit=2 durable=2 writes=1 log=1:1 2:1 3:1\n"));
  EXPECT_THAT(LastOutput(script + "persist 2\n"), HasSubstr(" commit=2 log=1:1 2:1 3:1\n"));
  EXPECT_THAT(LastOutput(script + "crash 2\n"),
              HasSubstr("n2 down term=1 vote=1 leader=0 commit=0 log=1:1\n"));
}

TEST(ScriptTest, EachNodeTimesOutAfterItsOwnTimeout) {
  const std::string script = "nodes 3 timeout=9,7,8\ntick all 6\n";

  EXPECT_THAT(LastOutput(script), HasSubstr("n2 follower "));
  const std::string after = LastOutput(script + "tick all\n");
  EXPECT_THAT(after, HasSubstr("n1 follower "));
  EXPECT_THAT(after, HasSubstr("n2 pre-candidate "));
}

TEST(ScriptTest, MessagesAreDeliveredDroppedDuplicatedAndReordered) {
  const std::string script =
      "nodes 2\ncampaign 1\nsettle\npropose 1\npropose 1\npropose 1\nmessages\n";
  const std::string a = "append-request term=1 previous=1:1 commit=1 entries=2:1\n";
  const std::string b = "append-request term=1 previous=2:1 commit=1 entries=3:1\n";
  const std::string c = "append-request term=1 previous=3:1 commit=1 entries=4:1\n";
  const auto in_flight = [&](const std::string& step) {
    const std::string output = LastOutput(script + step + "\nmessages\n");
    return output.substr(std::min(output.find("1->2"), output.find("nothing")));
  };

  EXPECT_EQ(in_flight("settle"), "nothing in flight\n");
  EXPECT_EQ(in_flight("drop 1 2 2"), "1->2 1 " + a + "1->2 2 " + c);
  EXPECT_EQ(in_flight("duplicate 1 2 1"),
            "1->2 1 " + a + "1->2 2 " + b + "1->2 3 " + c + "1->2 4 " + a);
  EXPECT_EQ(in_flight("reorder 1 2 3,1,2"), "1->2 1 " + c + "1->2 2 " + a + "1->2 3 " + b);
  EXPECT_THAT(in_flight("deliver 1 2 1"), testing::StartsWith("1->2 1 " + b + "1->2 2 " + c));
  EXPECT_EQ(in_flight("partition 1 | 2"), "nothing in flight\n");
  EXPECT_EQ(in_flight("crash 2\ndeliver all all"), "nothing in flight\n");
}

TEST(ScriptTest, LinksAreCutSlowedAndHealed) {
  const std::string script = "nodes 2\ncampaign 1\nsettle\n";

  EXPECT_THAT(LastOutput(script + "cut 1 2\npropose 1\nmessages\n"), HasSubstr("nothing"));
  EXPECT_THAT(LastOutput(script + "slow 1 2\npropose 1\nsettle\nmessages\n"), HasSubstr("1->2 1 "));
  EXPECT_THAT(LastOutput(script + "slow 1 2\npropose 1\ndeliver 1 2\n"),
              HasSubstr("n2 follower term=1 vote=1 leader=1 commit=1 log=1:1 2:1\n"));
  EXPECT_THAT(LastOutput(script + "cut 1 2\nheal\npropose 1\nsettle\n"),
              HasSubstr("n2 follower term=1 vote=1 leader=1 commit=1 log=1:1 2:1\n"));
}

TEST(ScriptTest, EveryFieldOfAMessageThatIsShownCanBeInjected) {
  for (const std::string_view message :
       {"pre-vote-request term=5 last=2:1", "pre-vote-response term=5 vote=refused",
        "vote-request term=5 last=2:1 transfer=1", "vote-response term=5 vote=granted",
        "append-request term=5 previous=0:0 commit=1 entries=1:4 2:5",
        "append-response term=5 match=3", "append-response term=5 refused=3 hint=2:1",
        "heartbeat-request term=5 commit=1 read=3 sent=4 promise=5",
        "heartbeat-response term=5 read=3 sent=4 promise=5", "read-index-request term=5 read=3",
        "read-index-response term=5 read=3 index=2",
        "read-index-response term=5 read=3 refused=0"}) {
    EXPECT_EQ(ErrorOf("nodes 3\ninject 1 2 " + std::string(message) + "\n"), "no error") << message;
  }
}

TEST(ScriptTest, AReadIsFollowedFromItsRequestToItsAnswer) {
  const std::string script = "nodes 3 leases=off\ncampaign 1\nsettle\nread 2\nread 1\n";

  EXPECT_THAT(LastOutput(script), HasSubstr("read 2 n1 waiting\n"));
  EXPECT_THAT(LastOutput(script + "settle\nreads\n"),
              HasSubstr("read 1 n2 served index=1\nread 2 n1 served index=1\n"));
  EXPECT_THAT(LastOutput(script + "crash 1\nreads\n"),
              HasSubstr("read 1 n2 waiting\nread 2 n1 failed\n"));
  EXPECT_THAT(LastOutput("nodes 3\nread 2\n"), HasSubstr("refused: no leader is known\n"));
}

TEST(ScriptTest, ARestoredDiskIsWhatTheNodeStartsFrom) {
  EXPECT_THAT(
      LastOutput("nodes 3\ncrash 2\ndisk 2 term=4 vote=3 commit=11 snapshot=10:2 "
                 "log=11:2 12:4\nrestart 2\n"),
      HasSubstr("n2 follower term=4 vote=3 leader=0 commit=11 snapshot=10:2 log=11:2 12:4\n"));
}

TEST(ScriptTest, AConfigurationInTheLogIsInForce) {
  EXPECT_THAT(
      LastOutput("nodes 3\ncrash 2,3\ndisk 2 term=1 log=1:1 2:1(1,3;2)\nrestart 2\nmembers\n"),
      testing::EndsWith("log=1:1 2:1\nn3 down term=0 vote=0 leader=0 commit=0 log=\n"
                        "n1 voters=1,2,3\nn2 voters=1,3 learners=2\n"));
}

TEST(ScriptTest, AWrongStepSaysWhereWhatAndWhatIsAllowed) {
  EXPECT_EQ(ErrorOf("# story\nnodes 3\n\ntick 1,4\n"),
            "line 4: tick 1,4: the list of nodes is '1,4', must be all or ascending numbers from 1 "
            "to 3, separated by commas; usage: tick NODES [TICKS]");
  EXPECT_THAT(ErrorOf("tick 1\n"), HasSubstr("no nodes yet; the first step is: nodes COUNT"));
  for (const auto& [step, what] : std::vector<std::pair<std::string, std::string>>{
           {"fly 1", "there is no step 'fly'; there are nodes, tick, "},
           {"tick", "the list of nodes is missing"},
           {"tick 2,1", "ascending"},
           {"tick 1 -1", "must be a number from 1 to 10000"},
           {"tick 1 1 1", "'1' is one word too many"},
           {"nodes 10", "must be a number from 1 to 9"},
           {"nodes 3 timeout=5,6", "one for each node"},
           {"nodes 3 timeout=5", "more than the stickiness"},
           {"nodes 3 leases=of", "must be on or off"},
           {"nodes 3 size=3", "'size' is not one of the fields timeout, "},
           {"nodes 3 timeout=9 timeout=9", "comes twice"},
           {"nodes 3 voters=2,1", "must be ascending numbers of nodes"},
           {"deliver 1 2 1", "there is no message 1 from 1 to 2, 0 are in flight"},
           {"deliver all 2 1", "a place needs one sender and one receiver"},
           {"duplicate 1 2", "the place of the message is missing"},
           {"reorder 1 2 1,x", "must be numbers separated by commas"},
           {"reorder 1 2 1,1", "must name each of the messages"},
           {"inject 1 2 vote", "there is no message 'vote'; there are pre-vote-request, "},
           {"inject 1 2 vote-request match=1", "not one of the fields term, last, transfer"},
           {"inject 1 2 vote-request last=1", "last is '1', must be INDEX:TERM"},
           {"inject 1 2 append-request entries=1",
            "must be INDEX:TERM or INDEX:TERM(VOTERS[;LEARNERS]) of each"},
           {"partition 1", "at least two sides"},
           {"partition 1 2", "'2' stands where | must stand"},
           {"partition 1,2 | 2", "a node is on two sides"},
           {"persist 1", "0 writes of node 1 wait"},
           {"restart 1", "node 1 is up"},
           {"disk 1 term=1", "node 1 is up"}}) {
    EXPECT_THAT(ErrorOf("nodes 3\n" + step + "\n"), HasSubstr(what)) << step;
  }
  for (const auto& [step, what] : std::vector<std::pair<std::string, std::string>>{
           {"campaign 1", "node 1 is down"},
           {"inject 2 1 vote-request", "node 1 is down"},
           {"crash 1", "node 1 is down already"},
           {"disk 1 term=x", "term is 'x', must be a number"},
           {"disk 1 term=2 log=1:1 3:1", "the log must go on with 2"},
           {"disk 1 term=1 log=1:2", "the log holds term 2, the state only term 1"},
           {"disk 1 log=1:1(2,1)", "is not INDEX:TERM or INDEX:TERM(VOTERS[;LEARNERS])"},
           {"disk 1 log=1:1(1;)", "is not INDEX:TERM or"},
           {"disk 1 log=1:1(1", "is not INDEX:TERM or"},
           {"disk 1 snapshot=x", "must be INDEX:TERM"}}) {
    EXPECT_THAT(ErrorOf("nodes 3\ncrash 1\n" + step + "\n"), HasSubstr(what)) << step;
  }
}

TEST(ScriptTest, EachStepsUsageBeginsWithItsName) {
  for (const StepKind& kind : StepKinds()) {
    EXPECT_EQ(kind.usage.substr(0, kind.usage.find(' ')), kind.name);
  }
}

// Disks that contradict each other are the only way to break what an honest core keeps.
TEST(ScriptTest, ASafetyPropertyThatDoesNotHoldEndsTheScript) {
  const auto expect_violation = [](const std::string& script, const std::string& what) {
    const auto played = Play(script);
    ASSERT_FALSE(played);
    EXPECT_EQ(played.error().code(), ErrorCode::kCorruption);
    EXPECT_THAT(played.error().message(), HasSubstr(what));
  };

  // 2 forgets its disk, and votes again in a term in which it voted.
  expect_violation(
      "nodes 3\ncampaign 1\ncut all 3\nsettle\npartition 1 | 2,3\ncrash 2\ndisk 2\nrestart 2\n"
      "heal\npartition 1 | 2,3\npause all 10\ncampaign 3\nsettle\n",
      "two leaders in term 1: nodes 1 and 3");
  expect_violation(
      "nodes 2\ncrash all\ndisk 1 term=1 commit=1 log=1:1\n"
      "disk 2 term=2 commit=1 log=1:2\nrestart all\n",
      "two entries are committed at index 1: of terms 1 and 2 (node 2)");
  expect_violation(
      "nodes 3\ncampaign 1\nsettle\npartition 1 | 2,3\ncrash 2,3\ndisk 2 term=1\ndisk 3 term=1\n"
      "restart 2,3\npause all 10\ncampaign 2\nsettle\npause all 10\ncampaign 2\nsettle\n",
      "node 2 leads without the committed entry 1:1");
}

}  // namespace
}  // namespace seshat

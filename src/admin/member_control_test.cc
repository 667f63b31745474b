#include "seshat/admin/member_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace seshat {
namespace {

using Outcome = MemberAnswer::Outcome;
using ::testing::HasSubstr;

TEST(MemberAnswerTest, JsonRoundTripKeepsEveryFieldAndOutcome) {
  for (const Outcome outcome : {Outcome::kDone, Outcome::kTryAgain, Outcome::kRefused,
                                Outcome::kFailed, Outcome::kUnknown}) {
    const MemberAnswer answer{.outcome = outcome, .node = NodeId(3), .problem = "because"};

    const Result<MemberAnswer> parsed = ParseMemberAnswer(ToJson(answer));

    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    EXPECT_EQ(*parsed, answer);
  }
}

TEST(MemberAnswerTest, JsonThatIsNoAnswerIsAnErrorThatSaysWhy) {
  for (const std::string_view text :
       {"", "{}", R"({"outcome":"perhaps","node_id":1,"problem":""})"}) {
    const Result<MemberAnswer> parsed = ParseMemberAnswer(text);

    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_THAT(parsed.error().message(), HasSubstr("not an answer to a change of members"));
  }
}

}  // namespace
}  // namespace seshat

#include "seshat/admin/snapshot_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace seshat {
namespace {

using ::testing::HasSubstr;

TEST(SnapshotAnswerTest, JsonRoundTripKeepsEveryField) {
  for (const auto outcome : {SnapshotAnswer::Outcome::kDone, SnapshotAnswer::Outcome::kRefused,
                             SnapshotAnswer::Outcome::kFailed}) {
    const SnapshotAnswer answer{outcome, NodeId(3), "snapshot-20261127-071608-4711",
                                4096,    17,        "the disk is full"};

    const Result<SnapshotAnswer> parsed = ParseSnapshotAnswer(ToJson(answer));

    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    EXPECT_EQ(*parsed, answer);
  }
}

TEST(SnapshotAnswerTest, JsonThatIsNoAnswerIsAnErrorThatSaysWhy) {
  for (const std::string_view text :
       {"", "[]", "{}", "{\"error\":\"allowed: POST\"}", "{\"outcome\":\"maybe\"}"}) {
    const Result<SnapshotAnswer> parsed = ParseSnapshotAnswer(text);

    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_THAT(parsed.error().message(), HasSubstr("not an answer to a snapshot"));
  }
}

}  // namespace
}  // namespace seshat

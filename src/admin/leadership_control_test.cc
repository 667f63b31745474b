#include "seshat/admin/leadership_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "seshat/admin/group_names.h"

namespace seshat {
namespace {

using ::testing::HasSubstr;

TEST(TransferAnswerTest, JsonRoundTripKeepsEveryField) {
  for (const auto outcome : {TransferAnswer::Outcome::kDone, TransferAnswer::Outcome::kNotLeader,
                             TransferAnswer::Outcome::kRefused, TransferAnswer::Outcome::kFailed}) {
    const TransferAnswer answer{outcome,   GroupId(4), NodeId(1),
                                NodeId(2), "h:9090",   "node 2 leads group shard 4"};

    const Result<TransferAnswer> parsed = ParseTransferAnswer(ToJson(answer));

    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    EXPECT_EQ(*parsed, answer);
  }
}

TEST(TransferAnswerTest, JsonThatIsNoAnswerIsAnErrorThatSaysWhy) {
  for (const std::string_view text :
       {"", "[]", "{}", "{\"error\":\"allowed: GET, HEAD\"}", "{\"outcome\":\"maybe\"}"}) {
    const Result<TransferAnswer> parsed = ParseTransferAnswer(text);

    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_THAT(parsed.error().message(), HasSubstr("not an answer to a transfer"));
  }
}

TEST(GroupNamesTest, NamesAndNumbersAreBothUnderstood) {
  EXPECT_EQ(ParseGroupName("system"), kSystemGroup);
  EXPECT_EQ(ParseGroupName("data"), kFirstDataGroup);
  EXPECT_EQ(ParseGroupName("1"), kFirstDataGroup);
  EXPECT_EQ(ParseGroupName("12"), GroupId(12));
  EXPECT_EQ(GroupName(GroupId(12)), "shard 12");
}

TEST(GroupNamesTest, WhatNamesNoGroupIsRefused) {
  for (const std::string_view text :
       {"", "Data", "data ", "shard 2", "-1", "+1", "1x", "18446744073709551616"}) {
    EXPECT_EQ(ParseGroupName(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace seshat

#include "seshat/base/slot.h"

#include <gtest/gtest.h>

namespace seshat {
namespace {

// Expected values: `CLUSTER KEYSLOT` of Redis 7.0.15, and the specification's CRC16("123456789").
TEST(SlotTest, MatchesRedis) {
  EXPECT_EQ(SlotOf("123456789"), Slot(0x31c3));
  EXPECT_EQ(SlotOf("foo"), Slot(12182));
  EXPECT_EQ(SlotOf("somekey"), Slot(11058));
  EXPECT_EQ(SlotOf(""), Slot(0));
}

TEST(SlotTest, OnlyTheFirstNonEmptyHashTagCounts) {
  EXPECT_EQ(SlotOf("foo{hash_tag}"), SlotOf("hash_tag"));
  EXPECT_EQ(SlotOf("{user1000}.following"), SlotOf("{user1000}.followers"));
  EXPECT_EQ(SlotOf("foo{{bar}}zap"), SlotOf("{bar"));
  EXPECT_EQ(SlotOf("foo{bar}{zap}"), SlotOf("bar"));
}

TEST(SlotTest, AnEmptyOrUnclosedTagHashesTheWholeKey) {
  EXPECT_NE(SlotOf("foo{}{bar}"), SlotOf("bar"));
  EXPECT_NE(SlotOf("foo{bar"), SlotOf("bar"));
}

}  // namespace
}  // namespace seshat

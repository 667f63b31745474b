#include "seshat/commands/key_layout.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <string>

#include "seshat/base/big_endian.h"

namespace seshat {
namespace {

using std::string_literals::operator""s;

// CRC16("k") mod 16384 is 7629 = 0x1dcd.
constexpr std::uint16_t kSlotOfK = 0x1dcd;

TEST(KeyLayoutTest, DataRowsStartWithTheirSlot) {
  EXPECT_EQ(DataRowKey("k"), "\x1d\xcdk");
}

TEST(KeyLayoutTest, ExpiryRowsCarryTheTimeSoThatByteOrderIsTimeOrder) {
  EXPECT_EQ(ExpiryRowKey(Slot(kSlotOfK), UnixMillis{0x0102030405060708}, "k"),
            "\x5d\xcd\x01\x02\x03\x04\x05\x06\x07\x08k");
  EXPECT_LT(ExpiryRowKey(Slot(1), UnixMillis{255}, "z"),
            ExpiryRowKey(Slot(1), UnixMillis{256}, "a"));
}

TEST(KeyLayoutTest, RangesFollowOneAnotherInByteOrder) {
  const std::string last_data = std::string("\x3f\xff\xff\xff", 4);

  EXPECT_LT(last_data, ExpiryRowsBegin(Slot(0)));
  EXPECT_EQ(ExpiryRowsEnd(Slot(0)), ExpiryRowsBegin(Slot(1)));
  EXPECT_EQ(ExpiryRowsEnd(Slot(kSlotCount - 1)), kExpiryRowsEnd);
  EXPECT_LT(kExpiryRowsEnd, kGroupRowPrefix);
  EXPECT_TRUE(kAppliedRowKey.starts_with(kGroupRowPrefix));
}

RC_GTEST_PROP(KeyLayoutProperty, RowKeysParseToWhatTheyWereMadeOf, (const std::string& key)) {
  const std::string data_key = DataRowKey(key);
  const Result<DataRow> data = ParseDataRowKey(data_key);
  RC_ASSERT(data.has_value());
  RC_ASSERT(data->slot == SlotOf(key));
  RC_ASSERT(data->user_key == key);

  const UnixMillis expires_at{*rc::gen::nonNegative<std::int64_t>()};
  const std::string expiry_key = ExpiryRowKey(SlotOf(key), expires_at, key);
  const Result<ExpiryRow> expiry = ParseExpiryRowKey(expiry_key);
  RC_ASSERT(expiry.has_value());
  RC_ASSERT(expiry->slot == SlotOf(key));
  RC_ASSERT(expiry->expires_at == expires_at);
  RC_ASSERT(expiry->user_key == key);
}

RC_GTEST_PROP(KeyLayoutProperty, OneRowKeyIsNeverOfTwoKinds, (const std::string& bytes)) {
  RC_ASSERT(!(ParseDataRowKey(bytes).has_value() && ParseExpiryRowKey(bytes).has_value()));
}

TEST(KeyLayoutTest, MalformedRowsAreNamedInTheError) {
  const std::string wrong_slot = "\x00\x01k"s;

  for (const std::string& row : {""s, "\x1d"s, wrong_slot,
                                 "\xff\xff"
                                 "applied"s}) {
    EXPECT_EQ(ParseDataRowKey(row).error().code(), ErrorCode::kCorruption);
    EXPECT_EQ(ParseExpiryRowKey(row).error().code(), ErrorCode::kCorruption);
  }
  EXPECT_EQ(ParseDataRowKey(wrong_slot).error().message(),
            "malformed data row key \"\\x00\\x01k\"");
}

TEST(KeyLayoutTest, ExpiryRowsOfNegativeTimesAreMalformed) {
  const std::string row = "\x5d\xcd\x80\x00\x00\x00\x00\x00\x00\x00k"s;

  EXPECT_EQ(ParseExpiryRowKey(row).error().code(), ErrorCode::kCorruption);
}

TEST(KeyLayoutTest, PrintableKeysHideNothingAndStayShort) {
  EXPECT_EQ(PrintableKey("a\"\\\n"), "a\\x22\\x5c\\x0a");
  EXPECT_EQ(PrintableKey(std::string(65, 'x')), std::string(64, 'x') + "... (65 bytes)");
}

}  // namespace
}  // namespace seshat

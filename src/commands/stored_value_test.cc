#include "seshat/commands/stored_value.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <string>

#include "seshat/commands/applied_state.h"
#include "seshat/v1/storage.pb.h"

namespace seshat {
namespace {

using std::string_literals::operator""s;

Value AnyValue() {
  Value value;
  value.revision = Revision(*rc::gen::arbitrary<std::uint64_t>());
  value.data = *rc::gen::arbitrary<std::string>();
  value.created_at = UnixMillis{*rc::gen::nonNegative<std::int64_t>()};
  if (*rc::gen::arbitrary<bool>()) {
    value.expires_at = UnixMillis{*rc::gen::positive<std::int64_t>()};
  }
  return value;
}

TEST(StoredValueTest, BytesAreTheFormatForEver) {
  const Value value{.revision = Revision(300),
                    .data = "v",
                    .created_at = UnixMillis{1},
                    .expires_at = UnixMillis{2}};

  EXPECT_EQ(EncodeValue(value), "\x08\x01\x10\x01\x18\xac\x02\x22\x01v\x28\x01\x30\x02"s);
}

RC_GTEST_PROP(StoredValueProperty, BytesAreWhatProtobufWrites, ()) {
  const Value value = AnyValue();
  v1::StoredValue message;
  message.set_version(1);
  message.set_type(v1::VALUE_TYPE_STRING);
  message.set_revision(value.revision.value());
  message.set_data(value.data);
  message.set_created_at_ms(value.created_at.value);
  if (value.expires_at.has_value()) message.set_expires_at_ms(value.expires_at->value);

  RC_ASSERT(EncodeValue(value) == message.SerializeAsString());
}

RC_GTEST_PROP(StoredValueProperty, DecodingGivesBackWhatWasEncoded, ()) {
  const Value value = AnyValue();

  const Result<Value> decoded = DecodeValue("row", EncodeValue(value));

  RC_ASSERT(decoded.has_value());
  RC_ASSERT(decoded->revision == value.revision);
  RC_ASSERT(decoded->data == value.data);
  RC_ASSERT(decoded->created_at == value.created_at);
  RC_ASSERT(decoded->expires_at == value.expires_at);
}

RC_GTEST_PROP(StoredValueProperty, EveryCutIsAnErrorOrAShorterMessage, ()) {
  const std::string bytes = EncodeValue(AnyValue());
  const std::string cut = bytes.substr(0, *rc::gen::inRange<std::size_t>(0, bytes.size()));

  v1::StoredValue message;
  const bool protobuf_takes_it = message.ParseFromString(cut) && message.type() != 0;

  RC_ASSERT(DecodeValue("row", cut).has_value() == protobuf_takes_it);
}

TEST(StoredValueTest, BytesThatAreNoMessageNameTheRow) {
  for (const std::string& bytes : {""s, "x"s, "\x08"s, "\x08\x01"s, "\x22\x05v"s, "\x0a\x01v"s}) {
    const Result<Value> value = DecodeValue("\x01row", bytes);

    ASSERT_FALSE(value.has_value());
    EXPECT_EQ(value.error().code(), ErrorCode::kCorruption);
    EXPECT_NE(value.error().message().find("\"\\x01row\""), std::string::npos);
  }
}

TEST(StoredValueTest, ANewerVersionIsRefusedByName) {
  const Result<Value> value = DecodeValue("row", "\x08\x02\x10\x01"s);

  EXPECT_EQ(value.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(value.error().message(),
            "value of row \"row\" has version 2, this node knows 1: it was written by a newer "
            "Seshat");
}

TEST(StoredValueTest, AnUnknownTypeIsRefused) {
  EXPECT_EQ(DecodeValue("row", "\x08\x01\x10\x07"s).error().message(),
            "value of row \"row\" has the unknown type 7");
}

TEST(StoredValueTest, FieldsAddedLaterAreSkipped) {
  const std::string bytes =
      "\x08\x01\x10\x01\x3a\x01x\x40\x05\x49\x01\x02\x03\x04\x05\x06\x07\x08"
      "\x55\x01\x02\x03\x04\x22\x01v"s;

  EXPECT_EQ(DecodeValue("row", bytes)->data, "v");
}

TEST(StoredValueTest, AValueIsDueFromItsInstantOn) {
  const ValueView value{.expires_at = UnixMillis{10}};

  EXPECT_FALSE(value.IsDue(UnixMillis{9}));
  EXPECT_TRUE(value.IsDue(UnixMillis{10}));
  EXPECT_FALSE(ValueView{}.IsDue(UnixMillis{10}));
}

TEST(AppliedStateTest, BytesAreTheFormatForEver) {
  const AppliedState state{.index = LogIndex(1),
                           .term = Term(2),
                           .clock = UnixMillis{3},
                           .revision = Revision(4),
                           .key_count = 5,
                           .keyspace_generation = 6,
                           .digest = 7};

  EXPECT_EQ(EncodeAppliedState(state),
            "\x08\x01\x10\x01\x18\x02\x20\x03\x28\x04\x30\x05\x38\x06\x41\x07\0\0\0\0\0\0\0"s);
  EXPECT_EQ(DecodeAppliedState(EncodeAppliedState(state)).value(), state);
}

TEST(AppliedStateTest, ARowFromBeforeDigestsHasNone) {
  const auto row = "\x08\x01\x10\x01\x18\x02\x20\x03\x28\x04\x30\x05\x38\x06"s;

  EXPECT_EQ(DecodeAppliedState(row).value().digest, std::nullopt);
  EXPECT_EQ(EncodeAppliedState(DecodeAppliedState(row).value()), row);
}

TEST(AppliedStateTest, CorruptAndNewerRowsAreRefusedByName) {
  EXPECT_EQ(DecodeAppliedState("x").error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(DecodeAppliedState("").error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(DecodeAppliedState("\x08\x02"s).error().code(), ErrorCode::kFailedPrecondition);
}

}  // namespace
}  // namespace seshat

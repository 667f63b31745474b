#include "seshat/commands/data_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "seshat/v1/command.pb.h"

namespace seshat {
namespace {

using std::string_literals::operator""s;
using testing::ElementsAre;

std::vector<std::string_view> Views(const std::vector<std::string>& words) {
  return {words.begin(), words.end()};
}

TEST(DataCommandTest, BytesAreTheFormatForEver) {
  const std::vector<std::string_view> arguments = {"GET", "", "k"};
  const std::vector<ExpiringKey> keys = {
      {.key = "k", .expires_at = UnixMillis{300}, .revision = Revision(1)}};

  EXPECT_EQ(EncodeClientCommand(arguments), "\x08\x01\x12\x0a\x0a\x03GET\x0a\x00\x0a\x01k"s);
  EXPECT_EQ(EncodeExpireKeys(keys), "\x08\x01\x1a\x0a\x0a\x08\x0a\x01k\x10\xac\x02\x18\x01"s);
}

RC_GTEST_PROP(DataCommandProperty, BytesAreWhatProtobufWrites,
              (const std::vector<std::string>& arguments)) {
  v1::DataCommand message;
  message.set_version(1);
  auto* client = message.mutable_client();
  for (const std::string& argument : arguments) client->add_arguments(argument);

  RC_ASSERT(EncodeClientCommand(Views(arguments)) == message.SerializeAsString());
}

RC_GTEST_PROP(DataCommandProperty, ClientCommandsComeBackAsTheyWere,
              (const std::vector<std::string>& rest)) {
  std::vector<std::string> arguments = rest;
  arguments.insert(arguments.begin(), "NAME");
  const std::string bytes = EncodeClientCommand(Views(arguments));
  DataCommand command;

  RC_ASSERT(DecodeDataCommand(bytes, command).has_value());

  RC_ASSERT(command.kind == DataCommand::Kind::kClient);
  RC_ASSERT(std::ranges::equal(command.arguments, arguments));
}

RC_GTEST_PROP(DataCommandProperty, AnyBytesDecodeOrGiveAnError, (const std::string& bytes)) {
  DataCommand command;
  const Status status = DecodeDataCommand(bytes, command);
  RC_ASSERT(status.has_value() || !status.error().message().empty());
}

RC_GTEST_PROP(DataCommandProperty, ChangedBytesDecodeOrGiveAnError, ()) {
  std::string bytes = EncodeClientCommand(std::vector<std::string_view>{"SET", "key", "value"});
  bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
  DataCommand command;
  const Status status = DecodeDataCommand(bytes, command);
  RC_ASSERT(!status.has_value() || command.kind == DataCommand::Kind::kExpire ||
            !command.arguments.empty());
}

TEST(DataCommandTest, ExpiryEventsComeBackAsTheyWere) {
  const std::vector<ExpiringKey> keys = {
      {.key = "a", .expires_at = UnixMillis{1}, .revision = Revision(2)},
      {.key = "", .expires_at = UnixMillis{1'700'000'000'000}, .revision = Revision(3)}};
  const std::string bytes = EncodeExpireKeys(keys);
  DataCommand command;

  ASSERT_TRUE(DecodeDataCommand(bytes, command).has_value());

  EXPECT_EQ(command.kind, DataCommand::Kind::kExpire);
  EXPECT_EQ(command.expiring_keys, keys);
}

TEST(DataCommandTest, ArgumentsAreViewsIntoTheBytes) {
  const std::string bytes = EncodeClientCommand(std::vector<std::string_view>{"SET", "k", "v"});
  DataCommand command;

  ASSERT_TRUE(DecodeDataCommand(bytes, command).has_value());

  EXPECT_THAT(command.arguments, ElementsAre("SET", "k", "v"));
  EXPECT_GE(command.arguments[2].data(), bytes.data());
  EXPECT_LT(command.arguments[2].data(), bytes.data() + bytes.size());
}

TEST(DataCommandTest, ScratchFromBeforeDoesNotShow) {
  DataCommand command;
  const std::string first = EncodeClientCommand(std::vector<std::string_view>{"SET", "k", "v"});
  const std::string second = EncodeClientCommand(std::vector<std::string_view>{"DEL", "k"});

  ASSERT_TRUE(DecodeDataCommand(first, command).has_value());
  ASSERT_TRUE(DecodeDataCommand(second, command).has_value());

  EXPECT_THAT(command.arguments, ElementsAre("DEL", "k"));
}

TEST(DataCommandTest, MalformedBytesAreCorruption) {
  DataCommand command;
  for (const std::string& bytes :
       {""s, "\x08\x01"s, "\x12\x00"s, "\x08\x01\x12\x00"s, "\x08\x01\x12\x05\x0a"s,
        "\x08\x01\x10\x01"s, "\x08\x01\x12\x02\x08\x01"s, "\x08\x01\x1a\x02\x08\x01"s,
        "\x08\x01\x1a\x04\x0a\x02\x08\x01"s, "\x07"s,
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s}) {
    const Status status = DecodeDataCommand(bytes, command);
    ASSERT_FALSE(status.has_value()) << testing::PrintToString(bytes);
    EXPECT_EQ(status.error().code(), ErrorCode::kCorruption);
  }
}

TEST(DataCommandTest, ANewerVersionIsRefused) {
  DataCommand command;
  const Status status = DecodeDataCommand("\x08\x02\x12\x03\x0a\x01x"s, command);
  EXPECT_EQ(status.error().code(), ErrorCode::kFailedPrecondition);
}

TEST(DataCommandTest, AnEventOfTooManyKeysIsCorruption) {
  v1::DataCommand message;
  message.set_version(1);
  for (std::size_t i = 0; i <= kExpiringKeysMax; ++i) message.mutable_expire()->add_keys();
  DataCommand command;
  const std::string bytes = message.SerializeAsString();

  EXPECT_EQ(DecodeDataCommand(bytes, command).error().code(), ErrorCode::kCorruption);
}

}  // namespace
}  // namespace seshat

#include "seshat/resp/reply_decoder.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "seshat/resp/reply_encoder.h"

namespace seshat {
namespace {

std::string Repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// Text that may stand in a line.
rc::Gen<std::string> GenLine() {
  return rc::gen::map(rc::gen::string<std::string>(), [](std::string text) {
    std::erase(text, '\r');
    std::erase(text, '\n');
    return text;
  });
}

rc::Gen<Reply> GenLeaf() {
  return rc::gen::oneOf(
      rc::gen::map(GenLine(), [](const std::string& text) { return Reply::Simple(text); }),
      rc::gen::map(GenLine(), [](const std::string& text) { return Reply::Error(text); }),
      rc::gen::map(rc::gen::arbitrary<std::int64_t>(), &Reply::Integer),
      rc::gen::map(rc::gen::string<std::string>(), &Reply::Bulk),
      rc::gen::map(rc::gen::string<std::string>(), &Reply::Verbatim),
      rc::gen::map(rc::gen::arbitrary<double>(), &Reply::Double),
      rc::gen::map(rc::gen::arbitrary<bool>(), &Reply::Boolean), rc::gen::just(Reply::Null()));
}

rc::Gen<Reply> GenReply(int depth) {
  if (depth == 0) return GenLeaf();
  const auto items = rc::gen::container<std::vector<Reply>>(GenReply(depth - 1));
  return rc::gen::oneOf(GenLeaf(), rc::gen::map(items, &Reply::Array),
                        rc::gen::map(items, &Reply::Set), rc::gen::map(items, &Reply::Push),
                        rc::gen::map(items, [](std::vector<Reply> pairs) {
                          if (pairs.size() % 2 != 0) pairs.pop_back();
                          return Reply::Map(std::move(pairs));
                        }));
}

// Every reply in `wire`, fed in pieces; an error ends them.
std::vector<Reply> DecodeInPieces(const std::string& wire, RespDecoder& decoder, bool& failed) {
  std::vector<Reply> replies;
  std::size_t at = 0;
  while (at < wire.size()) {
    const auto bytes = *rc::gen::inRange<std::size_t>(1, wire.size() - at + 1);
    decoder.Feed(std::string_view(wire).substr(at, bytes));
    at += bytes;
    for (;;) {
      Result<std::optional<Reply>> reply = decoder.Next();
      failed = !reply.has_value();
      if (failed) return replies;
      if (!*reply) break;
      replies.push_back(std::move(**reply));
    }
  }
  return replies;
}

RC_GTEST_PROP(RespDecoderProperty, WhatIsEncodedIsDecodedWhateverTheSplit, ()) {
  const auto replies = *rc::gen::resize(15, rc::gen::container<std::vector<Reply>>(GenReply(2)));
  std::string wire;
  for (const Reply& reply : replies) EncodeReply(reply, RespVersion::kResp3, wire);

  RespDecoder decoder;
  bool failed = false;
  const std::vector<Reply> decoded = DecodeInPieces(wire, decoder, failed);

  RC_ASSERT(!failed);
  RC_ASSERT(decoded == replies);
  RC_ASSERT(decoder.pending_bytes() == 0u);
}

RC_GTEST_PROP(RespDecoderProperty, AnyBytesAreSurvived, ()) {
  const auto parts = *rc::gen::container<std::vector<std::string>>(
      rc::gen::oneOf(rc::gen::element<std::string>("*2\r\n", "%1\r\n", "|1\r\n", "$3\r\nfoo\r\n",
                                                   "=7\r\ntxt:abc\r\n", "_\r\n", ",1.5\r\n",
                                                   "#t\r\n", ":1\r\n", "$-1\r\n", "~", "\r\n"),
                     rc::gen::string<std::string>()));
  std::string wire;
  for (const std::string& part : parts) wire += part;

  RespDecoder decoder;
  bool failed = false;
  DecodeInPieces(wire, decoder, failed);

  RC_ASSERT(decoder.pending_bytes() <= wire.size());
}

TEST(RespDecoderTest, NestingIsBounded) {
  RespDecoder decoder;
  decoder.Feed(Repeat("*1\r\n", 33));

  const auto reply = decoder.Next();

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), ErrorCode::kResourceExhausted);
}

TEST(RespDecoderTest, ItemsAreBoundedOverAllLevels) {
  RespDecoder decoder({.items_max = 6});
  decoder.Feed("*2\r\n" + Repeat("*2\r\n:1\r\n:2\r\n", 2));

  const auto reply = decoder.Next();

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), ErrorCode::kResourceExhausted);
}

TEST(RespDecoderTest, BytesAreBoundedBeforeTheyArrive) {
  RespDecoder decoder({.bytes_max = 100});
  decoder.Feed("*2\r\n$40\r\n" + std::string(40, 'x') + "\r\n$60\r\n");

  const auto reply = decoder.Next();

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), ErrorCode::kResourceExhausted);
}

TEST(RespDecoderTest, LimitsStartAnewWithEachReply) {
  RespDecoder decoder({.items_max = 2, .bytes_max = 12});
  decoder.Feed(Repeat(":1\r\n", 100));

  for (int i = 0; i < 100; ++i) {
    const auto reply = decoder.Next();
    ASSERT_TRUE(reply.has_value() && reply->has_value());
  }
}

}  // namespace
}  // namespace seshat

#include "seshat/resp/reply_encoder.h"

#include <gtest/gtest.h>

#include <limits>

namespace seshat {
namespace {

std::string Encode(const Reply& reply, RespVersion version) {
  std::string out;
  EncodeReply(reply, version, out);
  return out;
}

TEST(ReplyEncoderTest, AppendsToWhatIsThere) {
  std::string out = ":1\r\n";

  EncodeReply(Reply::Ok(), RespVersion::kResp2, out);

  EXPECT_EQ(out, ":1\r\n+OK\r\n");
}

TEST(ReplyEncoderTest, LineEndsInLinesBecomeSpaces) {
  EXPECT_EQ(Encode(Reply::Simple("a\r\nb"), RespVersion::kResp2), "+a  b\r\n");
  EXPECT_EQ(Encode(Reply::Error("ERR x\ny\r\n"), RespVersion::kResp3), "-ERR x y\r\n");
}

TEST(ReplyEncoderTest, Resp2FlattensMapsAndKnowsNoSetsOrPushes) {
  const Reply map = Reply::Map({Reply::Bulk("k"), Reply::Integer(1)});

  EXPECT_EQ(Encode(map, RespVersion::kResp2), "*2\r\n$1\r\nk\r\n:1\r\n");
  EXPECT_EQ(Encode(Reply::Set({map}), RespVersion::kResp2), "*1\r\n*2\r\n$1\r\nk\r\n:1\r\n");
  EXPECT_EQ(Encode(Reply::Push({}), RespVersion::kResp2), "*0\r\n");
}

TEST(ReplyEncoderTest, Resp3NamesEveryType) {
  const Reply map = Reply::Map({Reply::Bulk("k"), Reply::Null()});

  EXPECT_EQ(Encode(map, RespVersion::kResp3), "%1\r\n$1\r\nk\r\n_\r\n");
  EXPECT_EQ(Encode(Reply::Set({Reply::Integer(1)}), RespVersion::kResp3), "~1\r\n:1\r\n");
  EXPECT_EQ(Encode(Reply::Push({Reply::Boolean(true)}), RespVersion::kResp3), ">1\r\n#t\r\n");
  EXPECT_EQ(Encode(Reply::Verbatim("hi"), RespVersion::kResp3), "=6\r\ntxt:hi\r\n");
  EXPECT_EQ(Encode(Reply::NullArray(), RespVersion::kResp3), "_\r\n");
}

TEST(ReplyEncoderTest, Resp2SpellsRichTypesAsBulksAndIntegers) {
  EXPECT_EQ(Encode(Reply::Double(3.1), RespVersion::kResp2), "$18\r\n3.1000000000000001\r\n");
  EXPECT_EQ(Encode(Reply::Boolean(false), RespVersion::kResp2), ":0\r\n");
  EXPECT_EQ(Encode(Reply::Verbatim("hi"), RespVersion::kResp2), "$2\r\nhi\r\n");
  EXPECT_EQ(Encode(Reply::NullArray(), RespVersion::kResp2), "*-1\r\n");
  EXPECT_EQ(Encode(Reply::Null(), RespVersion::kResp2), "$-1\r\n");
}

TEST(ReplyEncoderTest, DoublesThatAreNoNumbersHaveNames) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();

  EXPECT_EQ(Encode(Reply::Double(infinity), RespVersion::kResp3), ",inf\r\n");
  EXPECT_EQ(Encode(Reply::Double(-infinity), RespVersion::kResp3), ",-inf\r\n");
  EXPECT_EQ(Encode(Reply::Double(nan), RespVersion::kResp3), ",nan\r\n");
  EXPECT_EQ(Encode(Reply::Double(-nan), RespVersion::kResp3), ",nan\r\n");
}

TEST(ReplyEncoderTest, ShortcutsEncodeLikeTheirReplies) {
  std::string shortcuts;
  EncodeOk(shortcuts);
  EncodeInteger(-7, shortcuts);
  EncodeBulk("text", shortcuts);
  EncodeError("ERR no", shortcuts);

  std::string replies;
  for (const Reply& reply :
       {Reply::Ok(), Reply::Integer(-7), Reply::Bulk("text"), Reply::Error("ERR no")}) {
    EncodeReply(reply, RespVersion::kResp3, replies);
  }

  EXPECT_EQ(shortcuts, replies);
}

}  // namespace
}  // namespace seshat

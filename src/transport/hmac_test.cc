#include "hmac.h"

#include <gtest/gtest.h>

namespace seshat {
namespace {

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) {
    hex.push_back(kDigits[static_cast<unsigned char>(byte) >> 4]);
    hex.push_back(kDigits[static_cast<unsigned char>(byte) & 15]);
  }
  return hex;
}

// RFC 4231, test case 2.
TEST(HmacTest, MatchesTheTestVectorOfRfc4231) {
  EXPECT_EQ(Hex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(HmacTest, EqualityNeedsEqualLengthAndBytes) {
  EXPECT_TRUE(EqualInConstantTime("", ""));
  EXPECT_TRUE(EqualInConstantTime("abc", "abc"));
  EXPECT_FALSE(EqualInConstantTime("abc", "abd"));
  EXPECT_FALSE(EqualInConstantTime("abc", "ab"));
}

TEST(HmacTest, UnpredictableBytesDifferEachTime) {
  EXPECT_EQ(UnpredictableBytes(32).size(), 32u);
  EXPECT_NE(UnpredictableBytes(32), UnpredictableBytes(32));
}

}  // namespace
}  // namespace seshat

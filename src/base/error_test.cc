#include "seshat/base/error.h"

#include <gtest/gtest.h>

namespace seshat {
namespace {

TEST(ErrorTest, WithContextPutsTheOuterLayerFirstAndKeepsTheCode) {
  const Error error =
      Error(ErrorCode::kIo, "No space left on device").WithContext("write IDENTITY");

  EXPECT_EQ(error.message(), "write IDENTITY: No space left on device");
  EXPECT_EQ(error.code(), ErrorCode::kIo);
}

TEST(ErrorTest, MakeErrorConvertsToAnyResult) {
  const Result<int> result = MakeError(ErrorCode::kNotFound, "no such group");

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), Error(ErrorCode::kNotFound, "no such group"));
}

TEST(ErrorTest, NotAppliedAndOutcomeUnknownReadDifferently) {
  EXPECT_EQ(ToString(ErrorCode::kUnavailable), "unavailable");
  EXPECT_EQ(ToString(ErrorCode::kOutcomeUnknown), "outcome unknown");
}

}  // namespace
}  // namespace seshat

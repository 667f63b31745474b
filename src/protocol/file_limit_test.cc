#include "seshat/protocol/file_limit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace seshat {
namespace {

TEST(FileLimitTest, RaisesTheLimitToWhatIsNeeded) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit low{100, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &low);

  const Status raised = RaiseFileLimit(200, 50);

  rlimit after{};
  getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_TRUE(raised.has_value());
  EXPECT_GE(after.rlim_cur, 250u);
}

TEST(FileLimitTest, SaysWhatIsAllowedWhenThatIsNotEnough) {
  // More than the kernel lets even root have.
  const Status raised = RaiseFileLimit(std::size_t{1} << 40, 100);

  ASSERT_FALSE(raised.has_value());
  EXPECT_EQ(raised.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_NE(raised.error().message().find("1099511627776 client connections"), std::string::npos);
}

}  // namespace
}  // namespace seshat

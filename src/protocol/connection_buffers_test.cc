// ReadBuffer and OutputQueue: what a connection holds in memory.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "output_queue.h"
#include "read_buffer.h"

namespace seshat {
namespace {

void Fill(ReadBuffer& buffer, std::string_view bytes, std::size_t missing = 0) {
  while (!bytes.empty()) {
    const std::span<char> space = buffer.Space(missing);
    const std::string_view now = bytes.substr(0, space.size());
    std::ranges::copy(now, space.begin());
    buffer.Commit(now.size());
    bytes.remove_prefix(now.size());
    missing -= std::min(missing, now.size());
  }
}

RC_GTEST_PROP(ReadBufferProperty, KeepsWhatIsNotConsumed, ()) {
  ReadBuffer buffer;
  std::string model;
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 40'000));
  for (const int step : steps) {
    const std::string bytes(static_cast<std::size_t>(step), static_cast<char>('a' + step % 26));
    Fill(buffer, bytes);
    model += bytes;
    const auto consumed = *rc::gen::inRange<std::size_t>(0, model.size() + 1);
    buffer.Consume(consumed);
    model.erase(0, consumed);
    if (step % 3 == 0) buffer.Trim();
    RC_ASSERT(buffer.unread() == model);
    RC_ASSERT(!buffer.Space(0).empty());
  }
}

TEST(ReadBufferTest, HoldsNothingWhileEmpty) {
  ReadBuffer buffer;
  Fill(buffer, "PING\r\n");
  buffer.Consume(6);

  buffer.Trim();

  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(ReadBufferTest, AnAnnouncedArgumentTakesNoMemoryBeforeItArrives) {
  ReadBuffer buffer;

  Fill(buffer, std::string(100, 'x'), 64 * 1024 * 1024);

  EXPECT_LE(buffer.capacity(), ReadBuffer::kInitialBytes);
}

TEST(ReadBufferTest, DoesNotGrowPastTheEndOfALargeArgument) {
  ReadBuffer buffer;
  const std::size_t bytes = 5 * 1024 * 1024 + 7;

  Fill(buffer, std::string(bytes, 'x'), bytes);

  EXPECT_EQ(buffer.unread().size(), bytes);
  EXPECT_LE(buffer.capacity(), bytes + ReadBuffer::kInitialBytes);
}

TEST(ReadBufferTest, ShrinksAfterALargeRequest) {
  ReadBuffer buffer;
  Fill(buffer, std::string(1024 * 1024, 'x'));
  buffer.Consume(1024 * 1024 - 10);

  buffer.Trim();

  EXPECT_EQ(buffer.unread(), std::string(10, 'x'));
  EXPECT_LE(buffer.capacity(), ReadBuffer::kInitialBytes);
}

RC_GTEST_PROP(OutputQueueProperty, GivesBackWhatWasPushed, ()) {
  OutputQueue queue;
  std::string model;
  std::string got;
  const auto sizes = *rc::gen::container<std::vector<int>>(
      rc::gen::oneOf(rc::gen::inRange(0, 100), rc::gen::inRange(0, 30'000)));
  for (const int size : sizes) {
    const std::string bytes(static_cast<std::size_t>(size), static_cast<char>('a' + size % 26));
    queue.Push(bytes);
    model += bytes;
    std::array<std::string_view, 3> parts;
    const std::size_t count = queue.Gather(parts);
    std::string offered;
    for (std::size_t i = 0; i < count; ++i) offered += parts[i];
    const auto taken = *rc::gen::inRange<std::size_t>(0, offered.size() + 1);
    got += offered.substr(0, taken);
    queue.Consume(taken);
    RC_ASSERT(queue.bytes() == model.size() - got.size());
    RC_ASSERT(model.starts_with(got));
  }
}

TEST(OutputQueueTest, SmallRepliesShareAPiece) {
  OutputQueue queue;
  for (int i = 0; i < 1000; ++i) queue.Push("+OK\r\n");
  std::array<std::string_view, 8> parts;

  EXPECT_EQ(queue.Gather(parts), 1u);
  EXPECT_EQ(parts[0].size(), 5000u);
}

}  // namespace
}  // namespace seshat

#include "framing.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <vector>

#include "seshat/v1/peer.pb.h"

namespace seshat {
namespace {

constexpr std::size_t kFrameBytes = 1000;

// Sends everything that `queue` holds through batches of kFrameBytes to an assembler.
std::vector<std::string> Drain(SendQueue& queue, std::size_t payload_bytes_max = 1 << 20) {
  FrameAssembler assembler(payload_bytes_max);
  std::vector<std::string> received;
  for (;;) {
    v1::FrameBatch batch;
    if (!queue.NextBatch(kFrameBytes, batch)) return received;
    std::size_t size = 0;
    for (v1::Frame& frame : *batch.mutable_frames()) {
      size += frame.payload().size();
      Result<std::optional<Payload>> payload = assembler.Add(frame);
      EXPECT_TRUE(payload.has_value());
      if (payload && payload->has_value()) received.push_back((*payload)->bytes);
    }
    EXPECT_LE(size, kFrameBytes);
  }
}

TEST(SendQueueTest, PayloadsThatWaitLeaveTogetherAndInOrder) {
  SendQueue queue(1 << 20);
  for (const char* text : {"a", "", "c"}) ASSERT_TRUE(queue.Push({.bytes = text}));

  v1::FrameBatch batch;
  ASSERT_TRUE(queue.NextBatch(kFrameBytes, batch));

  ASSERT_EQ(batch.frames_size(), 3);
  EXPECT_EQ(batch.frames(0).payload(), "a");
  EXPECT_EQ(batch.frames(1).payload(), "");
  EXPECT_EQ(batch.frames(2).payload(), "c");
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(SendQueueTest, ALargePayloadIsCutIntoFrames) {
  SendQueue queue(1 << 20);
  const std::string large(5 * kFrameBytes, 'x');
  ASSERT_TRUE(queue.Push({.bytes = large}));

  v1::FrameBatch batch;
  ASSERT_TRUE(queue.NextBatch(kFrameBytes, batch));

  ASSERT_EQ(batch.frames_size(), 1);
  EXPECT_TRUE(batch.frames(0).more());
  EXPECT_LT(batch.frames(0).payload().size(), kFrameBytes);
  EXPECT_GT(queue.bytes(), 4 * kFrameBytes);
}

TEST(SendQueueTest, RefusesWhatDoesNotFitAndTakesAnythingWhenEmpty) {
  SendQueue queue(1000);

  EXPECT_TRUE(queue.Push({.bytes = std::string(5000, 'x')}));
  EXPECT_FALSE(queue.Push({.bytes = "y"}));

  EXPECT_EQ(Drain(queue).size(), 1u);
  EXPECT_TRUE(queue.Push({.bytes = "y"}));
}

TEST(SendQueueTest, EmptyPayloadsAreBoundedToo) {
  SendQueue queue(10 * SendQueue::kOverheadBytes);

  int taken = 0;
  while (queue.Push({})) ++taken;

  EXPECT_EQ(taken, 10);
}

TEST(SendQueueTest, ACancelledCallDoesNotLeaveAndFreesItsRoom) {
  SendQueue queue(1 << 20);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    ASSERT_TRUE(queue.Push({.bytes = std::to_string(id), .call_id = id}));
  }

  EXPECT_TRUE(queue.Cancel(2));

  EXPECT_EQ(Drain(queue), (std::vector<std::string>{"1", "3"}));
  EXPECT_EQ(queue.bytes(), 0u);
  EXPECT_FALSE(queue.Cancel(3));
}

TEST(SendQueueTest, ACallWhoseFirstPieceLeftCannotBeCancelledButIsStillHere) {
  SendQueue queue(1 << 20);
  ASSERT_TRUE(queue.Push({.bytes = std::string(5 * kFrameBytes, 'x'), .call_id = 7}));
  v1::FrameBatch batch;
  ASSERT_TRUE(queue.NextBatch(kFrameBytes, batch));

  EXPECT_FALSE(queue.Cancel(7));
  EXPECT_TRUE(queue.Contains(7));

  while (queue.NextBatch(kFrameBytes, batch)) batch.Clear();
  EXPECT_FALSE(queue.Contains(7));
}

TEST(FrameAssemblerTest, RefusesAPayloadOverTheLimit) {
  FrameAssembler assembler(10);
  v1::Frame frame;
  frame.set_payload("1234567");
  frame.set_more(true);
  ASSERT_TRUE(assembler.Add(frame));

  frame.set_payload("8901");
  const Result<std::optional<Payload>> added = assembler.Add(frame);

  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code(), ErrorCode::kCorruption);
}

TEST(FrameAssemblerTest, RefusesPiecesOfTwoCallsMixed) {
  FrameAssembler assembler(100);
  v1::Frame frame;
  frame.set_call_id(1);
  frame.set_more(true);
  ASSERT_TRUE(assembler.Add(frame));

  frame.set_call_id(2);

  EXPECT_FALSE(assembler.Add(frame).has_value());
}

TEST(FrameAssemblerTest, RefusesABrokenCallThatCarriesAPayload) {
  FrameAssembler assembler(100);
  v1::Frame frame;
  frame.set_call_id(1);
  frame.set_broken(true);
  frame.set_payload("x");

  EXPECT_FALSE(assembler.Add(frame).has_value());
}

TEST(FramingTest, WhatIsPushedComesOutWholeAndInOrder) {
  const bool held = rc::check("any payloads survive cutting and assembling", [] {
    const auto sizes = *rc::gen::container<std::vector<std::size_t>>(
        rc::gen::inRange<std::size_t>(0, 4 * kFrameBytes));
    SendQueue queue(std::size_t{1} << 30);
    std::vector<std::string> sent;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      sent.emplace_back(sizes[i], static_cast<char>('a' + i % 26));
      RC_ASSERT(queue.Push({.bytes = sent.back()}));
    }
    RC_ASSERT(Drain(queue) == sent);
    RC_ASSERT(queue.bytes() == 0u);
  });

  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace seshat

// Calls: requests of both kinds and their replies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <set>

#include "freezable_proxy.h"
#include "seshat/transport/tcp_transport.h"
#include "transport_test_node.h"

namespace seshat {
namespace {

using ::testing::HasSubstr;

std::string NameOf(CallKind kind) {
  return kind == CallKind::kForward ? "Forward" : "Snapshot";
}

// What holds for calls of either kind: node 1 asks node 2.
struct TransportCallTest : TransportPairTest, ::testing::WithParamInterface<CallKind> {
  std::future<Result<std::string>> Ask(std::string request,
                                       Duration within = std::chrono::seconds(20)) {
    return a.Call(b, std::move(request), within, GetParam());
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, TransportCallTest,
                         ::testing::Values(CallKind::kForward, CallKind::kSnapshot),
                         [](const auto& kind) { return NameOf(kind.param); });

TEST_P(TransportCallTest, MatchesManyConcurrentCallsWithTheirReplies) {
  Connect();
  constexpr int kCalls = 2000;

  std::vector<std::future<Result<std::string>>> answers;
  for (int i = 0; i < kCalls; ++i) answers.push_back(Ask(std::to_string(i)));

  for (int i = 0; i < kCalls; ++i) {
    const Result<std::string> reply = answers[static_cast<std::size_t>(i)].get();
    ASSERT_TRUE(reply.has_value()) << reply.error().message();
    EXPECT_EQ(*reply, "re:" + std::to_string(i));
  }
}

TEST_P(TransportCallTest, RepliesMayComeOutOfOrderAndFromOtherThreads) {
  Mutex mutex;
  std::vector<std::pair<std::string, RecordingHandler::Reply>> held;
  b.handler.on_call = [&](NodeId, CallKind, std::string request, RecordingHandler::Reply reply) {
    MutexLock lock(mutex);
    held.emplace_back(std::move(request), std::move(reply));
  };
  Connect();

  auto first = Ask("1");
  auto second = Ask("2");
  ASSERT_TRUE(Eventually([&] {
    MutexLock lock(mutex);
    return held.size() == 2;
  }));
  for (const std::size_t i : {1u, 0u}) held[i].second("answer " + held[i].first);

  EXPECT_EQ(first.get().value(), "answer 1");
  EXPECT_EQ(second.get().value(), "answer 2");
}

TEST_P(TransportCallTest, ACallToAPeerThatIsNotConnectedIsUnavailable) {
  a.Start();
  b.Start();
  const std::string unused = b.address();
  b.transport->Stop();
  a.transport->SetPeer(b.id, unused);

  auto known = Ask("x");
  auto unknown = a.Call(TestNode(9), "x", std::chrono::seconds(1), GetParam());

  EXPECT_EQ(CodeOf(known), ErrorCode::kUnavailable);
  EXPECT_EQ(CodeOf(unknown), ErrorCode::kUnavailable);
}

TEST_P(TransportCallTest, ACallWithoutAnAnswerIsUnknownAtItsDeadline) {
  RecordingHandler::Reply held;
  std::promise<void> arrived;
  b.handler.on_call = [&](NodeId, CallKind, std::string request, RecordingHandler::Reply reply) {
    if (request == "y") return reply("re:y");
    held = std::move(reply);
    arrived.set_value();
  };
  Connect();

  auto answer = Ask("x", std::chrono::milliseconds(300));

  EXPECT_EQ(CodeOf(answer), ErrorCode::kOutcomeUnknown);
  arrived.get_future().wait();
  held("too late");
  EXPECT_EQ(Ask("y").get().value(), "re:y") << "the late answer belongs to nobody";
}

TEST_P(TransportCallTest, ADroppedReplyBreaksTheCallAtOnce) {
  b.handler.on_call = [](NodeId, CallKind, std::string, RecordingHandler::Reply) {};
  Connect();

  auto answer = Ask("x");

  EXPECT_EQ(CodeOf(answer), ErrorCode::kOutcomeUnknown);
}

TEST_P(TransportCallTest, ACallIsUnknownWhenThePeerStopsBeforeItAnswers) {
  std::promise<RecordingHandler::Reply> arrived;
  b.handler.on_call = [&](NodeId, CallKind, std::string, RecordingHandler::Reply reply) {
    arrived.set_value(std::move(reply));
  };
  Connect();
  auto answer = Ask("x");
  RecordingHandler::Reply held = arrived.get_future().get();

  b.transport->Stop();

  EXPECT_EQ(CodeOf(answer), ErrorCode::kOutcomeUnknown);
  held("to nobody");
}

TEST_P(TransportCallTest, StopEndsEveryCallInFlightOnce) {
  b.handler.on_call = [held = std::make_shared<std::vector<RecordingHandler::Reply>>()](
                          NodeId, CallKind, std::string, RecordingHandler::Reply reply) {
    held->push_back(std::move(reply));
  };
  Connect();
  std::atomic<int> ended = 0;
  constexpr int kCalls = 200;
  for (int i = 0; i < kCalls; ++i) {
    a.transport->Call(b.id, GetParam(), "x", kNever, [&](const Result<std::string>& result) {
      EXPECT_FALSE(result.has_value());
      ++ended;
    });
  }

  a.transport->Stop();

  EXPECT_EQ(ended, kCalls);
  auto late = Ask("x");
  EXPECT_EQ(CodeOf(late), ErrorCode::kUnavailable);
  b.transport->Stop();
}

TEST_P(TransportCallTest, CallsOverTheirNumberAreRefused) {
  a.options.calls_in_flight_max = 2;
  std::vector<RecordingHandler::Reply> held;
  b.handler.on_call = [&](NodeId, CallKind, std::string, RecordingHandler::Reply reply) {
    held.push_back(std::move(reply));
  };
  Connect();

  auto first = Ask("1");
  auto second = Ask("2");
  auto third = Ask("3");

  EXPECT_EQ(CodeOf(third), ErrorCode::kResourceExhausted);
  a.transport->Stop();
  b.transport->Stop();
}

TEST_P(TransportCallTest, AnAcceptorWithTooManyUnansweredCallsReadsOnOnceTheyAreAnswered) {
  b.options.calls_in_flight_max = 2;
  Mutex mutex;
  std::vector<RecordingHandler::Reply> held;
  b.handler.on_call = [&](NodeId, CallKind, std::string, RecordingHandler::Reply reply) {
    MutexLock lock(mutex);
    held.push_back(std::move(reply));
  };
  Connect();
  constexpr int kCalls = 50;
  std::vector<std::future<Result<std::string>>> answers;
  for (int i = 0; i < kCalls; ++i) answers.push_back(Ask("x"));

  int answered = 0;
  ASSERT_TRUE(Eventually([&] {
    std::vector<RecordingHandler::Reply> now;
    {
      MutexLock lock(mutex);
      now.swap(held);
    }
    for (auto& reply : now) reply("ok");
    answered += static_cast<int>(now.size());
    return answered == kCalls;
  }));

  for (auto& answer : answers) EXPECT_EQ(answer.get().value(), "ok");
}

TEST_P(TransportCallTest, AStreamThatBreaksWhileItsReaderIsPausedEnds) {
  b.options.calls_in_flight_max = 1;
  std::promise<RecordingHandler::Reply> arrived;
  b.handler.on_call = [&](NodeId, CallKind, std::string, RecordingHandler::Reply reply) {
    arrived.set_value(std::move(reply));
  };
  Connect();
  auto answer = Ask("x");
  RecordingHandler::Reply held = arrived.get_future().get();

  a.transport->Stop();
  b.transport->Stop();

  EXPECT_EQ(CodeOf(answer), ErrorCode::kOutcomeUnknown);
}

TEST_P(TransportCallTest, ARequestThatNeverLeftIsUnavailableAndOneThatDidIsUnknown) {
  a.options.forward_queue_bytes_max = a.options.snapshot_queue_bytes_max = 8 << 20;
  a.Start();
  b.Start();
  FreezableProxy proxy(b.port());
  a.transport->SetPeer(b.id, proxy.address());
  ASSERT_TRUE(a.Reaches(b));

  proxy.Freeze();
  std::vector<std::future<Result<std::string>>> answers;
  std::future<Result<std::string>> refused;
  ASSERT_TRUE(Eventually([&] {
    auto answer = Ask(std::string(900'000, 'x'));
    const bool full = answer.wait_for(std::chrono::milliseconds(5)) == std::future_status::ready;
    if (full) {
      refused = std::move(answer);
    } else {
      answers.push_back(std::move(answer));
    }
    return full;
  }));
  auto expired = answers.empty() ? std::future<Result<std::string>>()
                                 : Ask("late", std::chrono::milliseconds(50));
  ASSERT_TRUE(expired.valid());
  EXPECT_EQ(CodeOf(refused), ErrorCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(expired), ErrorCode::kUnavailable);

  std::set<ErrorCode> codes;
  for (auto& answer : answers) codes.insert(CodeOf(answer));
  EXPECT_EQ(codes, (std::set<ErrorCode>{ErrorCode::kUnavailable, ErrorCode::kOutcomeUnknown}));
}

TEST_P(TransportCallTest, CallsInFlightEndWhenTheConnectionBreaksAndLaterOnesAreAnswered) {
  a.options.keepalive_interval = std::chrono::milliseconds(200);
  a.options.keepalive_timeout = std::chrono::milliseconds(200);
  std::promise<RecordingHandler::Reply> arrived;
  b.handler.on_call = [&](NodeId, CallKind, const std::string& request,
                          RecordingHandler::Reply reply) {
    if (request == "held") return arrived.set_value(std::move(reply));
    reply("re:" + request);
  };
  a.Start();
  b.Start();
  FreezableProxy proxy(b.port());
  a.transport->SetPeer(b.id, proxy.address());
  ASSERT_TRUE(a.Reaches(b));
  auto begun = Ask("held");
  RecordingHandler::Reply held = arrived.get_future().get();

  proxy.Freeze();

  EXPECT_EQ(CodeOf(begun), ErrorCode::kOutcomeUnknown);
  held("on a connection that is gone");
  proxy.Thaw();
  ASSERT_TRUE(a.Reaches(b));
  EXPECT_EQ(Ask("again").get().value(), "re:again");
}

TEST_P(TransportCallTest, RepliesOfManyFramesArriveWhole) {
  const std::string filler(4 << 20, 'x');
  b.handler.on_call = [&](NodeId, CallKind, std::string request, RecordingHandler::Reply reply) {
    reply(request + filler + request);
  };
  Connect();
  constexpr int kCalls = 3;

  std::vector<std::future<Result<std::string>>> answers;
  for (int i = 0; i < kCalls; ++i) answers.push_back(Ask(std::to_string(i)));

  for (int i = 0; i < kCalls; ++i) {
    const Result<std::string> reply = answers[static_cast<std::size_t>(i)].get();
    ASSERT_TRUE(reply.has_value()) << reply.error().message();
    EXPECT_TRUE(*reply == std::to_string(i) + filler + std::to_string(i));
  }
}

using TransportCallsTest = TransportPairTest;

// --- Calls of one kind beside those of the other ---

TEST_F(TransportCallsTest, CallsOfBothKindsGoBothWays) {
  for (TestNode* node : {&a, &b}) {
    node->handler.on_call = [node](NodeId from, CallKind kind, const std::string& request,
                                   RecordingHandler::Reply reply) {
      reply(NameOf(kind) + " from " + std::to_string(from.value()) + " to " +
            std::to_string(node->id.value()) + ": " + request);
    };
  }
  Connect();
  b.Dial(a);
  ASSERT_TRUE(b.Reaches(a));
  const Duration within = std::chrono::seconds(20);

  auto forward_ab = a.Call(b, "x", within, CallKind::kForward);
  auto snapshot_ab = a.Call(b, "x", within, CallKind::kSnapshot);
  auto forward_ba = b.Call(a, "y", within, CallKind::kForward);
  auto snapshot_ba = b.Call(a, "y", within, CallKind::kSnapshot);

  EXPECT_EQ(forward_ab.get().value(), "Forward from 1 to 2: x");
  EXPECT_EQ(snapshot_ab.get().value(), "Snapshot from 1 to 2: x");
  EXPECT_EQ(forward_ba.get().value(), "Forward from 2 to 1: y");
  EXPECT_EQ(snapshot_ba.get().value(), "Snapshot from 2 to 1: y");
  for (const std::string channel : {"forward", "snapshot"}) {
    EXPECT_GT(a.metrics.SumOfChannel("transport_bytes_sent_total", channel), 0) << channel;
  }
}

// The acceptor takes no more calls on the stream that waits, so whatever shared it would wait too;
// and nobody takes the wait for a broken connection.
TEST_F(TransportCallsTest, ASnapshotReplyThatIsHeldBackDelaysNothingElse) {
  a.options.keepalive_interval = b.options.keepalive_interval = std::chrono::milliseconds(100);
  a.options.keepalive_timeout = b.options.keepalive_timeout = std::chrono::milliseconds(400);
  b.options.calls_in_flight_max = 1;
  std::promise<RecordingHandler::Reply> arrived;
  b.handler.on_call = [&](NodeId, CallKind kind, const std::string& request,
                          RecordingHandler::Reply reply) {
    if (kind == CallKind::kForward) return reply("re:" + request);
    arrived.set_value(std::move(reply));
  };
  Connect();
  auto slow = a.Call(b, "chunk", std::chrono::seconds(20), CallKind::kSnapshot);
  RecordingHandler::Reply held = arrived.get_future().get();

  std::size_t sent = 0;
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() < begin + std::chrono::seconds(1)) {
    a.transport->Send(b.id, Channel::kControl, "control");
    a.transport->Send(b.id, Channel::kAppend, "append");
    sent += 2;
    ASSERT_EQ(a.Call(b, "x", std::chrono::seconds(5)).get().value_or("none"), "re:x");
    ASSERT_TRUE(Eventually([&] { return b.handler.count() == sent; }));
  }
  held("late");

  EXPECT_EQ(slow.get().value(), "late");
}

TEST_F(TransportCallsTest, SnapshotRequestsPastTheirBytesAreRefusedAndForwardedOnesAreNot) {
  a.options.snapshot_queue_bytes_max = 2 << 20;
  a.options.keepalive_interval = a.options.keepalive_timeout = std::chrono::minutes(1);
  a.Start();
  b.Start();
  FreezableProxy proxy(b.port());
  a.transport->SetPeer(b.id, proxy.address());
  ASSERT_TRUE(a.Reaches(b));
  const Duration within = std::chrono::minutes(1);

  proxy.Freeze();
  const std::string request(500'000, 'x');
  std::vector<std::future<Result<std::string>>> answers;
  std::future<Result<std::string>> refused;
  ASSERT_TRUE(Eventually([&] {
    auto answer = a.Call(b, request, within, CallKind::kSnapshot);
    const bool full = answer.wait_for(std::chrono::milliseconds(5)) == std::future_status::ready;
    (full ? refused : answers.emplace_back()) = std::move(answer);
    return full;
  }));
  const double waiting = a.metrics.SumOfChannel("transport_queue_bytes", "snapshot");
  auto forwarded = a.Call(b, request, within, CallKind::kForward);
  proxy.Thaw();

  EXPECT_EQ(CodeOf(refused), ErrorCode::kResourceExhausted);
  EXPECT_GT(waiting, (2 << 20) - 2 * 500'000);
  EXPECT_LE(waiting, 2 << 20);
  EXPECT_EQ(forwarded.get().value_or("none").size(), request.size() + 3);
  for (auto& answer : answers) EXPECT_TRUE(answer.get().has_value());
}

TEST_F(TransportCallsTest, SnapshotRepliesPastTheirBytesBreakTheirCalls) {
  b.options.snapshot_queue_bytes_max = 8 << 20;
  a.options.keepalive_interval = b.options.keepalive_interval = std::chrono::minutes(1);
  Mutex mutex;
  std::vector<RecordingHandler::Reply> held;
  b.handler.on_call = [&](NodeId, CallKind, const std::string&, RecordingHandler::Reply reply) {
    MutexLock lock(mutex);
    held.push_back(std::move(reply));
  };
  a.Start();
  b.Start();
  FreezableProxy proxy(b.port());
  a.transport->SetPeer(b.id, proxy.address());
  ASSERT_TRUE(a.Reaches(b));
  constexpr std::size_t kCalls = 15;
  std::vector<std::future<Result<std::string>>> answers;
  for (std::size_t i = 0; i < kCalls; ++i) {
    answers.push_back(a.Call(b, "chunk", std::chrono::minutes(1), CallKind::kSnapshot));
  }
  ASSERT_TRUE(Eventually([&] {
    MutexLock lock(mutex);
    return held.size() == kCalls;
  }));

  proxy.Freeze();
  const std::string chunk(4 << 20, 'x');  // all of them would fit the bound of forwarded ones
  for (RecordingHandler::Reply& reply : held) reply(chunk);
  proxy.Thaw();

  std::size_t whole = 0;
  for (auto& answer : answers) {
    const Result<std::string> reply = answer.get();
    if (reply) {
      EXPECT_TRUE(*reply == chunk);
      ++whole;
    } else {
      EXPECT_EQ(reply.error().code(), ErrorCode::kOutcomeUnknown);
    }
  }
  EXPECT_GE(whole, 2u);
  EXPECT_LT(whole, kCalls);
}

}  // namespace
}  // namespace seshat

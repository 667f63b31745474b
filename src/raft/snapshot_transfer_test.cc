// A state on its way from one node to another: SnapshotSender and SnapshotFetch, with a network
// that loses and damages, a disk that fills, and a snapshot that is superseded meanwhile.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "seshat/raft/snapshot_sender.h"
#include "snapshot_chunk.h"
#include "snapshot_fetch.h"
#include "state_codec.h"

namespace seshat {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using StateRows = std::map<std::string, std::string>;

constexpr GroupId kGroup(1);

class ManualLoop final : public Executor, public Clock {
 public:
  MonotonicTime Now() const override { return now_; }
  UnixMillis WallNow() const override { return {1}; }
  void Post(UniqueFunction<void()> task) override { PostAt(now_, std::move(task)); }
  void PostAt(MonotonicTime when, UniqueFunction<void()> task) override {
    tasks_.emplace(std::pair(when, ++last_), std::move(task));
  }
  // Runs what is due within `span`, and lets it pass.
  void Advance(Duration span) {
    const MonotonicTime end = now_ + span;
    while (!tasks_.empty() && tasks_.begin()->first.first <= end) {
      auto task = tasks_.extract(tasks_.begin());
      now_ = std::max(now_, task.key().first);
      task.mapped()();
    }
    now_ = end;
  }

 private:
  MonotonicTime now_{seconds(100)};
  std::map<std::pair<MonotonicTime, std::uint64_t>, UniqueFunction<void()>> tasks_;
  std::uint64_t last_ = 0;
};

class RowMapView final : public StateView {
 public:
  explicit RowMapView(StateRows rows) : rows_(std::move(rows)) {}
  Result<Lookup> Get(std::string_view, ReadTier) const override { return Lookup{}; }
  Status Scan(std::string_view first, std::string_view end,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    for (auto it = rows_.lower_bound(std::string(first)); it != rows_.end() && it->first < end;
         ++it)
      if (!visit(it->first, it->second)) break;
    return {};
  }

 private:
  const StateRows rows_;
};

class HeldSnapshot final : public Snapshot {
 public:
  HeldSnapshot(StateRows rows, std::string metadata)
      : rows_(std::move(rows)), groups_{{kGroup, std::move(metadata)}} {}
  const std::string& name() const override { return name_; }
  UnixMillis created_at() const override { return {1}; }
  std::uint64_t size_bytes() const override { return 0; }
  const std::vector<GroupSnapshot>& groups() const override { return groups_; }
  Result<std::unique_ptr<StateView>> View(GroupId) const override {
    return std::make_unique<RowMapView>(rows_);
  }

 private:
  const StateRows rows_;
  const std::vector<GroupSnapshot> groups_;
  const std::string name_ = "snapshot";
};

class ReceivedRows final : public IncomingState {
 public:
  explicit ReceivedRows(std::size_t rows_max) : rows_max_(rows_max) {}
  Status Add(std::string_view key, std::string_view value) override {
    if (rows.size() == rows_max_) return MakeError(ErrorCode::kResourceExhausted, "disk full");
    rows.emplace(key, value);
    return {};
  }
  Status Finish() override {
    is_finished = true;
    return {};
  }
  std::uint64_t size_bytes() const override { return 0; }

  StateRows rows;
  bool is_finished = false;

 private:
  const std::size_t rows_max_;
};

class MemorySnapshots final : public SnapshotStore {
 public:
  Result<std::shared_ptr<Snapshot>> Take(UnixMillis) override {
    return MakeError(ErrorCode::kIo, "not here");
  }
  Result<std::shared_ptr<const Snapshot>> Keep(std::shared_ptr<Snapshot>, LogIndex,
                                               std::vector<GroupSnapshot>) override {
    return MakeError(ErrorCode::kIo, "not here");
  }
  std::vector<std::shared_ptr<const Snapshot>> Kept() const override { return kept; }
  Result<std::unique_ptr<IncomingState>> BeginIncoming(GroupId) override {
    return std::make_unique<ReceivedRows>(rows_max);
  }

  std::vector<std::shared_ptr<const Snapshot>> kept;
  std::size_t rows_max = SIZE_MAX;
};

class CountingAudit final : public StateAudit {
 public:
  void Add(std::string_view, std::string_view value) override {
    ++count_;
    digest_ += value.size();
  }
  Result<StateFacts> Finish() override {
    return StateFacts{
        .index = LogIndex(70), .term = Term(4), .key_count = count_, .digest = digest_};
  }

 private:
  std::uint64_t count_ = 0;
  std::uint64_t digest_ = 0;
};

// Calls reach the sender, unless the test does something to the answer.
class ShortWire final : public Transport {
 public:
  explicit ShortWire(SnapshotSender& sender) : sender_(sender) {}
  void Send(NodeId, Channel, std::string) override {}
  void Call(NodeId, CallKind kind, std::string request, MonotonicTime,
            UniqueFunction<void(Result<std::string>)> done) override {
    EXPECT_EQ(kind, CallKind::kSnapshot);
    ++calls;
    if (on_call) on_call();
    if (is_cut) return done(MakeError(ErrorCode::kUnavailable, "not connected"));
    auto shared = std::make_shared<UniqueFunction<void(Result<std::string>)>>(std::move(done));
    sender_.OnCall(NodeId(2), std::move(request), [this, shared](std::string answer) {
      if (damages_next) answer[answer.size() / 2] ^= 1;
      damages_next = false;
      (*shared)(std::move(answer));
    });
  }

  std::size_t calls = 0;
  bool is_cut = false;
  bool damages_next = false;
  std::function<void()> on_call;

 private:
  SnapshotSender& sender_;
};

class SnapshotTransferTest : public testing::Test {
 protected:
  SnapshotTransferTest() {
    for (int i = 0; i < 100; ++i)
      rows.emplace("key" + std::to_string(1000 + i), std::string(50, 'v'));
    offer.from = NodeId(1);
    offer.snapshot.index = LogIndex(70);
    offer.snapshot.term = Term(4);
    offer.snapshot.configuration.voters = {NodeId(1), NodeId(2)};
    offer.snapshot.key_count = rows.size();
    offer.snapshot.digest = rows.size() * 50;
    snapshots.kept.push_back(std::make_shared<const HeldSnapshot>(
        rows, EncodeSnapshotMetadata(offer.snapshot, UnixMillis{1})));
  }

  static SnapshotSenderOptions SmallChunks(std::uint64_t bytes_per_second) {
    SnapshotSenderOptions options;
    options.chunk_bytes = 300;
    options.bytes_per_second_max = bytes_per_second;
    return options;
  }
  void Begin() {
    fetch = std::make_shared<SnapshotFetch>(
        kGroup, offer, std::make_unique<CountingAudit>(), SnapshotFetchOptions(),
        SnapshotFetchPorts{
            .worker = &loop, .clock = &loop, .transport = &wire, .store = &snapshots});
    fetch->Begin([this](Result<std::shared_ptr<IncomingState>> state) {
      EXPECT_FALSE(result.has_value());
      result = std::move(state);
    });
  }
  ErrorCode Failure() const {
    return result && !*result ? result->error().code() : ErrorCode::kCancelled;
  }

  ManualLoop loop;
  MemorySnapshots snapshots;
  SnapshotSender sender{SmallChunks(0), {.store = &snapshots, .worker = &loop, .clock = &loop}};
  ShortWire wire{sender};
  StateRows rows;
  SnapshotOffer offer;
  std::shared_ptr<SnapshotFetch> fetch;
  std::optional<Result<std::shared_ptr<IncomingState>>> result;
};

TEST_F(SnapshotTransferTest, EveryRowArrivesInOrderAndTheStateIsFinished) {
  Begin();
  loop.Advance(milliseconds(1));

  ASSERT_TRUE(result && *result);
  const auto& received = dynamic_cast<const ReceivedRows&>(***result);
  EXPECT_EQ(received.rows, rows);
  EXPECT_TRUE(received.is_finished);
  EXPECT_GT(wire.calls, 10u) << "small chunks";
}

TEST_F(SnapshotTransferTest, AnEmptyStateIsOneChunk) {
  offer.snapshot.key_count = 0;
  offer.snapshot.digest = 0;
  snapshots.kept = {std::make_shared<const HeldSnapshot>(
      StateRows(), EncodeSnapshotMetadata(offer.snapshot, UnixMillis{1}))};

  Begin();
  loop.Advance(milliseconds(1));

  ASSERT_TRUE(result && *result);
  EXPECT_EQ(wire.calls, 1u);
}

TEST_F(SnapshotTransferTest, ABrokenConnectionCostsOneChunk) {
  wire.on_call = [this] { wire.is_cut = wire.calls == 5 || wire.calls == 6; };

  Begin();
  loop.Advance(seconds(1));

  ASSERT_TRUE(result && *result);
  EXPECT_EQ(dynamic_cast<const ReceivedRows&>(***result).rows, rows);
}

TEST_F(SnapshotTransferTest, ADamagedChunkIsAskedForAgain) {
  wire.on_call = [this] { wire.damages_next = wire.calls == 4; };

  Begin();
  loop.Advance(seconds(1));

  ASSERT_TRUE(result && *result);
  EXPECT_EQ(dynamic_cast<const ReceivedRows&>(***result).rows, rows);
}

TEST_F(SnapshotTransferTest, ANodeThatDoesNotAnswerIsGivenUp) {
  wire.is_cut = true;

  Begin();
  loop.Advance(seconds(29));
  EXPECT_FALSE(result.has_value());
  loop.Advance(seconds(2));

  EXPECT_EQ(Failure(), ErrorCode::kUnavailable);
}

TEST_F(SnapshotTransferTest, ASupersededFetchGoesOnWhileItIsAnswered) {
  wire.on_call = [this] { fetch->Supersede(); };

  Begin();
  loop.Advance(seconds(1));

  EXPECT_TRUE(result && *result);
}

TEST_F(SnapshotTransferTest, ASupersededFetchEndsWithTheFirstQuestionThatHasNoAnswer) {
  wire.on_call = [this] {
    if (wire.calls < 3) return;
    wire.is_cut = true;
    fetch->Supersede();
  };

  Begin();
  loop.Advance(seconds(1));

  EXPECT_EQ(Failure(), ErrorCode::kNotFound);
  EXPECT_EQ(wire.calls, 3u);
}

TEST_F(SnapshotTransferTest, ASnapshotThatIsNotThereIsToldAtOnce) {
  snapshots.kept.clear();

  Begin();
  loop.Advance(milliseconds(1));

  EXPECT_EQ(Failure(), ErrorCode::kNotFound);
}

TEST_F(SnapshotTransferTest, ASupersededSnapshotStaysForWhoIsHalfWayThrough) {
  wire.on_call = [this] {
    if (wire.calls == 3) snapshots.kept.clear();
  };

  Begin();
  loop.Advance(seconds(1));

  EXPECT_TRUE(result && *result);
}

TEST_F(SnapshotTransferTest, AStateThatIsNotWhatWasPromisedIsRefused) {
  offer.snapshot.digest += 1;

  Begin();
  loop.Advance(milliseconds(1));

  EXPECT_EQ(Failure(), ErrorCode::kCorruption);
}

TEST_F(SnapshotTransferTest, AFullDiskEndsTheFetchOnly) {
  snapshots.rows_max = 40;

  Begin();
  loop.Advance(seconds(1));

  EXPECT_EQ(Failure(), ErrorCode::kResourceExhausted);
}

TEST_F(SnapshotTransferTest, ACancelledFetchTellsNobody) {
  wire.on_call = [this] {
    if (wire.calls == 3) fetch->Cancel();
  };

  Begin();
  loop.Advance(seconds(60));

  EXPECT_FALSE(result.has_value());
  EXPECT_EQ(wire.calls, 3u);
}

TEST_F(SnapshotTransferTest, WhatIsSentStaysWithinTheBoundOnAverage) {
  SnapshotSender slow(SmallChunks(100), {.store = &snapshots, .worker = &loop, .clock = &loop});
  std::size_t bytes = 0;
  const auto ask = [&] {
    slow.OnCall(NodeId(2),
                EncodeChunkRequest(
                    {.group = kGroup, .index = LogIndex(70), .term = Term(4), .after_key = ""}),
                [&](std::string answer) { bytes += answer.size(); });
  };
  for (int i = 0; i < 10; ++i) ask();

  loop.Advance(seconds(2));
  const std::size_t first = bytes;
  loop.Advance(seconds(3));

  EXPECT_GT(first, 0u);
  EXPECT_LT(first, 400u);
  EXPECT_GT(bytes, first);
  EXPECT_LT(bytes, 700u);
}

TEST_F(SnapshotTransferTest, WhoAsksIsAnsweredBeforeItGivesUpHoweverLowTheBound) {
  SnapshotSender slow(SmallChunks(1), {.store = &snapshots, .worker = &loop, .clock = &loop});
  std::size_t answers = 0;
  for (int i = 0; i < 3; ++i) {
    slow.OnCall(NodeId(2),
                EncodeChunkRequest(
                    {.group = kGroup, .index = LogIndex(70), .term = Term(4), .after_key = ""}),
                [&](const std::string&) { ++answers; });
  }

  loop.Advance(SnapshotFetchOptions().call_timeout);

  EXPECT_EQ(answers, 3u);
}

TEST_F(SnapshotTransferTest, AQuestionThatMakesNoSenseHasNoAnswer) {
  bool has_answered = false;
  sender.OnCall(NodeId(2), "\xff\xff", [&](const std::string&) { has_answered = true; });

  loop.Advance(seconds(1));

  EXPECT_FALSE(has_answered);
}

}  // namespace
}  // namespace seshat

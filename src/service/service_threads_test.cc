// The same service on real threads, for ThreadSanitizer: connections on two I/O executors, an
// applier, a read pool and a transport's thread.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "service_core.h"
#include "seshat/base/check.h"
#include "seshat/base/mutex.h"
#include "support/memory_state_store.h"
#include "test_ports.h"

namespace seshat {
namespace {

// Threads: thread-safe; runs tasks on a thread of its own until destroyed.
class ThreadLoop final : public Executor {
 public:
  explicit ThreadLoop(const Clock& clock) : clock_(clock), thread_([this] { Loop(); }) {}
  ~ThreadLoop() override { Stop(); }

  void Post(UniqueFunction<void()> task) override { PostAt(clock_.Now(), std::move(task)); }
  void PostAt(MonotonicTime when, UniqueFunction<void()> task) override {
    MutexLock lock(mutex_);
    tasks_.emplace(std::pair(when, ++last_), std::move(task));
    wake_.NotifyOne();
  }
  void Stop() {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      wake_.NotifyOne();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Loop() {
    for (;;) {
      UniqueFunction<void()> task;
      {
        MutexLock lock(mutex_);
        while (!stopping_ && (tasks_.empty() || tasks_.begin()->first.first > clock_.Now())) {
          wake_.WaitFor(mutex_, std::chrono::milliseconds(1));
        }
        if (stopping_) return;
        task = std::move(tasks_.extract(tasks_.begin()).mapped());
      }
      task();
    }
  }

  const Clock& clock_;
  Mutex mutex_;
  CondVar wake_;
  std::map<std::pair<MonotonicTime, std::uint64_t>, UniqueFunction<void()>> tasks_
      SESHAT_GUARDED_BY(mutex_);
  std::uint64_t last_ SESHAT_GUARDED_BY(mutex_) = 0;
  bool stopping_ SESHAT_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the others
};

class SteadyClock final : public Clock {
 public:
  MonotonicTime Now() const override {
    return {std::chrono::steady_clock::now().time_since_epoch()};
  }
  UnixMillis WallNow() const override {
    return {std::chrono::duration_cast<std::chrono::milliseconds>(Now().since_boot).count() + 1};
  }
};

class NoMetrics final : public Metrics {
 public:
  Counter& GetCounter(const std::string&, const std::string&, const MetricLabels&) override {
    return cell_;
  }
  Gauge& GetGauge(const std::string&, const std::string&, const MetricLabels&) override {
    return cell_;
  }
  Histogram& GetHistogram(const std::string&, const std::string&, const MetricLabels&,
                          const std::vector<double>&) override {
    return cell_;
  }

 private:
  struct Cell : Counter, Gauge, Histogram {
    void Increment(double) override {}
    void Set(double) override {}
    void Add(double) override {}
    void Observe(double) override {}
  };
  Cell cell_;
};

// A leader whose commits are instant, applied on a thread of its own.
// Threads: thread-safe.
class InstantGroup final : public ShardGroup {
 public:
  InstantGroup(MemoryStateStore& store, Executor& applier, const Clock& clock)
      : machine(DataStateMachine::Open(store, {}).value()), applier_(applier), clock_(clock) {}

  bool IsLeader() const override { return true; }
  NodeId Leader() const override { return NodeId(1); }
  LogIndex AppliedIndex() const override { return LogIndex(applied_.load()); }
  UnixMillis CurrentStamp() const override { return clock_.WallNow(); }
  GroupStatus GetStatus() const override { return {}; }
  bool TryLeaseRead(ReadPermit& permit) const override {
    permit = {CurrentStamp(), AppliedIndex()};
    return ++reads_ % 2 == 0;
  }
  void RequestRead(UniqueFunction<void(Result<ReadPermit>)> done) override {
    applier_.Post([this, done = std::move(done)]() mutable {
      done(ReadPermit{CurrentStamp(), AppliedIndex()});
    });
  }
  void WhenAppliedPast(LogIndex index, UniqueFunction<void()> done) override {
    applier_.Post([this, index, done = std::move(done)]() mutable {
      if (AppliedIndex() > index) return done();
      WhenAppliedPast(index, std::move(done));
    });
  }
  void WhenReplicated(LogIndex, std::size_t wanted, MonotonicTime,
                      UniqueFunction<void(Result<std::size_t>)> done) override {
    applier_.Post([wanted, done = std::move(done)]() mutable { done(wanted); });
  }
  void TransferLeadership(NodeId, UniqueFunction<void(Status)> done) override {
    applier_.Post([done = std::move(done)]() mutable {
      done(MakeError(ErrorCode::kUnavailable, "this leader stays"));
    });
  }
  void Propose(std::vector<Proposal> proposals) override {
    applier_.Post([this, proposals = std::move(proposals)]() mutable {
      CommittedEntry entry;
      entry.term = Term(1);
      entry.index = machine->AppliedIndex().Next();
      entry.stamp = clock_.WallNow();
      for (Proposal& proposal : proposals) {
        entry.commands.push_back(proposal.command);
        entry.waiters.push_back(std::move(proposal.waiter));
      }
      std::vector<CommittedEntry> entries;
      entries.push_back(std::move(entry));
      const LogIndex index = entries.back().index;
      SESHAT_CHECK(machine->Apply(std::move(entries)).has_value());
      applied_.store(index.value());
    });
  }

  const std::unique_ptr<DataStateMachine> machine;

 private:
  Executor& applier_;
  const Clock& clock_;
  std::atomic<std::uint64_t> applied_{0};
  mutable std::atomic<std::uint64_t> reads_{0};
};

// Increments one counter, waiting for replicas and reading it behind each write, until it has done
// so `rounds` times. Threads: owned by `io`.
class CountingClient final : public ReplySink {
 public:
  CountingClient(ServiceCore& core, Executor& io, int rounds) : io_(io), rounds_(rounds) {
    io_.Post([this, &core] {
      std::string refusal;
      handler_ = core.Accept({"127.0.0.1:1", "127.0.0.1:2", true}, *this, io_, refusal);
      Next();
    });
  }
  void Send(std::string bytes) override {
    replies_ += bytes;
    if (std::ranges::count(replies_, '\n') < 4) return;  // ":n", ":1", "$len", "n"
    const std::string written = replies_.substr(1, replies_.find('\r') - 1);
    const std::string read = replies_.substr(replies_.rfind('\n', replies_.size() - 2) + 1);
    if (std::stoi(read) < std::stoi(written)) stale_reads.fetch_add(1);
    replies_.clear();
    io_.Post([this] { Next(); });
  }
  void CloseAfterFlush() override {}
  void ResumeReading() override {}

  std::atomic<int> stale_reads{0};
  std::atomic<bool> done{false};

 private:
  void Next() {
    if (rounds_-- == 0) {
      handler_.reset();
      done.store(true);
      return;
    }
    const std::vector<std::string_view> incr{"INCR", "counter"};
    const std::vector<std::string_view> wait{"WAIT", "1", "0"};
    const std::vector<std::string_view> get{"GET", "counter"};
    const Arguments requests[] = {incr, wait, get};
    handler_->OnRequests(requests);
  }

  Executor& io_;
  int rounds_;
  std::string replies_;
  std::unique_ptr<RequestHandler> handler_;
};

TEST(ServiceThreadsTest, ConnectionsOfSeveralThreadsReadTheirOwnWrites) {
  const SteadyClock clock;
  NoMetrics metrics;
  MemoryStateStore store;
  store.AddGroup(kFirstDataGroup);
  TestTransport transport;
  RecordedFatal fatal;
  GroupRegistry groups;
  ClusterStateSource cluster;
  ClusterMember self;
  self.id = NodeId(1);
  cluster.Publish(InitialClusterState(std::string(16, 'c'), {self}, {}));
  ThreadLoop io_one(clock);
  ThreadLoop io_two(clock);
  ThreadLoop applier(clock);
  ThreadLoop pool(clock);
  ServiceOptions options;
  options.node = NodeId(1);
  ServicePorts ports;
  ports.clock = &clock;
  ports.store = &store;
  ports.transport = &transport;
  ports.metrics = &metrics;
  ports.groups = &groups;
  ports.cluster = &cluster;
  ports.fatal = &fatal;
  ports.read_pool = {&pool};
  ports.background = &pool;
  const auto core = std::make_unique<ServiceCore>(options, ports);
  const auto group = std::make_shared<InstantGroup>(store, applier, clock);
  core->AddGroup(kFirstDataGroup, group, group->machine->info());
  constexpr int kRounds = 300;

  std::vector<std::unique_ptr<CountingClient>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(
        std::make_unique<CountingClient>(*core, i % 2 == 0 ? io_one : io_two, kRounds));
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto all_done = [&] {
    return std::ranges::all_of(clients, [](const auto& client) { return client->done.load(); });
  };
  while (!all_done() && std::chrono::steady_clock::now() < deadline) {
    store.SetCold(!store.Contents(kFirstDataGroup).empty());
    store.SetCold(false);
    std::this_thread::yield();
  }
  for (ThreadLoop* loop : {&io_one, &io_two, &pool, &applier}) loop->Stop();

  EXPECT_TRUE(all_done());
  for (const auto& client : clients) EXPECT_EQ(client->stale_reads.load(), 0);
  EXPECT_EQ(group->machine->info()->commands_applied.load(), 6u * kRounds);
  EXPECT_FALSE(fatal.stopped.has_value());
}

}  // namespace
}  // namespace seshat

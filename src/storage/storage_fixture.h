// What the tests of the storage layer share: a data directory of their own, a node that records
// why it was stopped, and a way to write and wait.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "seshat/base/mutex.h"
#include "seshat/ports/fatal.h"
#include "seshat/ports/metrics.h"
#include "seshat/storage/storage_engine.h"

namespace seshat {

// Threads: thread-safe.
class RecordingFatal : public FatalHandler {
 public:
  void StopNode(const Error& why) override {
    const MutexLock lock(mutex_);
    reasons_.push_back(why);
  }
  std::vector<Error> reasons() const {
    const MutexLock lock(mutex_);
    return reasons_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<Error> reasons_ SESHAT_GUARDED_BY(mutex_);
};

// Keeps the last value of each gauge; counts the rest away.
// Threads: thread-safe.
class RecordingMetrics : public Metrics {
 public:
  Counter& GetCounter(const std::string&, const std::string&, const MetricLabels&) override {
    return counter_;
  }
  Gauge& GetGauge(const std::string& name, const std::string&, const MetricLabels&) override {
    return gauges[name];
  }
  Histogram& GetHistogram(const std::string&, const std::string&, const MetricLabels&,
                          const std::vector<double>&) override {
    return histogram_;
  }

  struct LastValue : Gauge {
    void Set(double to) override { value = to; }
    void Add(double by) override { value = value + by; }
    std::atomic<double> value = 0;
  };
  std::map<std::string, LastValue> gauges;

 private:
  struct NoCounter : Counter {
    void Increment(double) override {}
  } counter_;
  struct NoHistogram : Histogram {
    void Observe(double) override {}
  } histogram_;
};

// Polls `condition` for up to ten seconds.
template <typename Condition>
bool Eventually(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

inline LogWrite Records(GroupId group, std::uint64_t first,
                        const std::vector<std::string>& values) {
  LogWrite write{.group = group, .truncate_from = {}, .records = {}, .state_row = {}};
  for (const std::string& value : values) {
    write.records.push_back({.index = LogIndex(first++), .value = value});
  }
  return write;
}

inline StateBatch Puts(const std::vector<std::pair<std::string, std::string>>& rows) {
  StateBatch batch;
  for (const auto& [key, value] : rows) batch.ops.push_back({.key = key, .value = value});
  return batch;
}

// A folder for the running test alone.
inline std::filesystem::path TestFolder() {
  const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
  std::string name = std::string("seshat_") + test.test_suite_name() + "_" + test.name();
  std::ranges::replace(name, '/', '_');
  return std::filesystem::path(testing::TempDir()) / name;
}

// The same without what a run that was killed may have left there.
inline std::filesystem::path EmptyTestFolder() {
  std::filesystem::path folder = TestFolder();
  std::filesystem::remove_all(folder);
  return folder;
}

class StorageFixture : public testing::Test {
 protected:
  StorageFixture() { options_.data_dir = EmptyTestFolder(); }
  ~StorageFixture() override {
    engine_.reset();
    std::filesystem::remove_all(options_.data_dir);
  }

  Result<std::unique_ptr<StorageEngine>> TryOpen() {
    return StorageEngine::Open(options_, fatal_, metrics_, NodeId(1));
  }
  void Open() {
    Result<std::unique_ptr<StorageEngine>> opened = TryOpen();
    ASSERT_TRUE(opened) << opened.error().message();
    engine_ = *std::move(opened);
  }
  void Reopen() {
    engine_.reset();
    Open();
  }
  // Opens with the first data group in place.
  void OpenWithGroup() {
    Open();
    ASSERT_TRUE(engine_->log().CreateGroup(kFirstDataGroup, "snapshot"));
  }

  // Whether the write was called back in time.
  bool WriteAndWait(LogWrite write) {
    auto done = std::make_shared<std::promise<void>>();
    std::future<void> durable = done->get_future();
    engine_->log().Write(std::move(write), [done] { done->set_value(); });
    return durable.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
  }
  std::vector<std::string> ReadLog() { return LogOf(*engine_); }
  // The first data group's log.
  static std::vector<std::string> LogOf(StorageEngine& engine) {
    const Result<LogContents> contents = engine.log().Load(kFirstDataGroup);
    EXPECT_TRUE(contents) << contents.error().message();
    std::vector<std::string> values;
    if (!contents || contents->last_index < contents->first_index) return values;
    const Result<std::vector<LogRecord>> records = engine.log().Read(
        kFirstDataGroup, contents->first_index, contents->last_index.Next(), ~std::size_t{0});
    EXPECT_TRUE(records) << records.error().message();
    if (!records) return values;
    for (const LogRecord& record : *records) values.push_back(record.value);
    return values;
  }
  std::optional<std::string> Get(std::string_view key, GroupId group = kFirstDataGroup) {
    Result<Lookup> lookup = engine_->state().Get(group, key, ReadTier::kAnywhere);
    EXPECT_TRUE(lookup) << lookup.error().message();
    if (!lookup || lookup->outcome != Lookup::Outcome::kFound) return std::nullopt;
    return lookup->value;
  }
  std::filesystem::path rocksdb_dir() const { return options_.data_dir / "rocksdb"; }

  StorageOptions options_;
  RecordingFatal fatal_;
  RecordingMetrics metrics_;
  std::unique_ptr<StorageEngine> engine_;
};

}  // namespace seshat

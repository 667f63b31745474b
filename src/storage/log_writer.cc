#include "log_writer.h"

#include <pthread.h>
#include <rocksdb/convenience.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "log_key.h"
#include "row_keys.h"
#include "seshat/base/check.h"
#include "wal_record.h"

namespace seshat {
namespace {

constexpr std::size_t kRecordOverheadBytes = 64;

std::size_t BytesOf(const LogWrite& write) {
  std::size_t bytes = kRecordOverheadBytes;
  if (write.state_row) bytes += write.state_row->size();
  for (const LogRecord& record : write.records) bytes += kRecordOverheadBytes + record.value.size();
  return bytes;
}

}  // namespace

LogWriter::LogWriter(const StorageOptions& options, Database& database, Histogram& sync_seconds,
                     std::uint64_t mark_key)
    : queue_bytes_max_(options.log_write_bytes_max),
      batch_bytes_max_(options.log_batch_bytes_max),
      idle_mark_delay_(options.idle_mark_delay),
      mark_key_(mark_key),
      database_(database),
      sync_seconds_(sync_seconds) {}

LogWriter::~LogWriter() {
  Stop();
}

Status LogWriter::Start() {
  // What was recovered lies in table files by now. A synced mark as the log's first record lets
  // the next check tell a torn start from a damaged one.
  if (!database_.Sync() || !WriteMark() || !database_.Sync()) {
    return MakeError(ErrorCode::kIo,
                     "cannot write to the write-ahead log in " + database_.path().string());
  }
  thread_ = std::thread([this] { Run(); });
  return {};
}

void LogWriter::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  work_.NotifyAll();
  room_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void LogWriter::RecordLastSteps() {
  rocksdb::CancelAllBackgroundWork(&database_.rocks(), true);
  if (!database_.stop().stopped() && MarkDue() && WriteMark()) database_.Sync();
}

void LogWriter::RecordSync() {
  // The lock orders this after the writer's look at MarkDue, so that it cannot miss the wake-up.
  const MutexLock lock(mutex_);
  work_.NotifyOne();
}

void LogWriter::AddGroup(GroupId group, LogIndex first, LogIndex next) {
  const MutexLock lock(mutex_);
  bounds_[group] = Bounds{.first = first, .next = next};
}

void LogWriter::Write(LogWrite write, UniqueFunction<void()> on_durable) {
  const std::size_t bytes = BytesOf(write);
  {
    const MutexLock lock(mutex_);
    // The last resort of a caller that does not bound itself; a callback must not wait for itself.
    while (bytes_in_flight_ > queue_bytes_max_ && !stopping_ && !database_.stop().stopped() &&
           std::this_thread::get_id() != thread_.get_id()) {
      room_.Wait(mutex_);
    }
    if (stopping_) return;
    const auto bounds = bounds_.find(write.group);
    SESHAT_CHECK_MSG(bounds != bounds_.end(), "a write to the log of an unknown group");
    LogIndex& next = bounds->second.next;
    const LogIndex truncate_end = next;
    if (write.truncate_from) {
      SESHAT_CHECK_MSG(*write.truncate_from >= bounds->second.first, "truncated below its start");
      next = std::min(next, *write.truncate_from);
    }
    for (const LogRecord& record : write.records) {
      SESHAT_CHECK_MSG(record.index == next, "a log record that does not follow on the last");
      next = next.Next();
    }
    bytes_in_flight_ += bytes;
    queue_.push_back(Queued{.write = std::move(write),
                            .on_durable = std::move(on_durable),
                            .bytes = bytes,
                            .truncate_end = truncate_end});
  }
  work_.NotifyOne();
}

void LogWriter::Run() {
  pthread_setname_np(pthread_self(), "log-writer");
  std::vector<Queued> batch;
  for (;;) {
    const Wake wake = WaitForWork(batch);
    if (wake == Wake::kIdle) {
      if (!WriteMark()) break;
      continue;
    }
    if (wake == Wake::kStop) {
      if (MarkDue() && WriteMark()) database_.Sync();
      return;
    }
    if (!WriteBatch(batch) || !SyncAndMeasure()) break;
    std::size_t bytes = 0;
    for (Queued& queued : batch) {
      bytes += queued.bytes;
      if (queued.on_durable) queued.on_durable();
    }
    batch.clear();
    {
      const MutexLock lock(mutex_);
      bytes_in_flight_ -= bytes;
    }
    room_.NotifyAll();
  }
  // The node is stopping: nothing queued is written, nothing is called back, no one waits.
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  room_.NotifyAll();
}

LogWriter::Wake LogWriter::WaitForWork(std::vector<Queued>& batch) {
  const MutexLock lock(mutex_);
  while (queue_.empty()) {
    if (stopping_) return Wake::kStop;
    if (!MarkDue()) {
      work_.Wait(mutex_);
    } else if (!work_.WaitFor(mutex_, idle_mark_delay_) && queue_.empty() && !stopping_) {
      return Wake::kIdle;
    }
  }
  std::size_t bytes = 0;
  while (!queue_.empty() && bytes < batch_bytes_max_) {
    bytes += queue_.front().bytes;
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return Wake::kWork;
}

bool LogWriter::WriteBatch(const std::vector<Queued>& queued) {
  std::size_t bytes = kRecordOverheadBytes;
  for (const Queued& one : queued) bytes += one.bytes;
  rocksdb::WriteBatch batch(bytes);
  SESHAT_CHECK(batch.PutLogData(NextMark()).ok());
  for (const Queued& one : queued) AddToBatch(one, batch);
  return database_.Write(batch, "cannot write the log");
}

void LogWriter::AddToBatch(const Queued& queued, rocksdb::WriteBatch& batch) {
  const std::shared_ptr<const GroupFamilies> families = database_.Find(queued.write.group);
  SESHAT_CHECK(families != nullptr);
  rocksdb::ColumnFamilyHandle* const log = families->handle(FamilyKind::kLog);
  if (queued.write.truncate_from) {
    // One by one: conflicts are short, and a range delete would slow every later read.
    for (LogIndex i = *queued.write.truncate_from; i < queued.truncate_end; i = i.Next()) {
      SESHAT_CHECK(batch.Delete(log, LogKey(i).view()).ok());
    }
  }
  for (const LogRecord& record : queued.write.records) {
    SESHAT_CHECK(batch.Put(log, LogKey(record.index).view(), record.value).ok());
  }
  if (queued.write.state_row) {
    rocksdb::ColumnFamilyHandle* const state = families->handle(FamilyKind::kState);
    SESHAT_CHECK(batch.Put(state, kStateRow, *queued.write.state_row).ok());
  }
}

bool LogWriter::MarkDue() const {
  return database_.synced_sequence() > recorded_sequence_ ||
         database_.synced_manifest() > recorded_manifest_;
}

bool LogWriter::WriteMark() {
  rocksdb::WriteBatch batch;
  SESHAT_CHECK(batch.PutLogData(NextMark()).ok());
  return database_.Write(batch, "cannot write to the write-ahead log");
}

std::string LogWriter::NextMark() {
  recorded_sequence_ = database_.synced_sequence();
  recorded_manifest_ = database_.synced_manifest();
  return EncodeMark(recorded_sequence_, recorded_manifest_, mark_key_);
}

bool LogWriter::SyncAndMeasure() {
  const auto start = std::chrono::steady_clock::now();
  if (!database_.Sync()) return false;
  sync_seconds_.Observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return true;
}

}  // namespace seshat

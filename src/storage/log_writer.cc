#include "log_writer.h"

#include <pthread.h>
#include <rocksdb/convenience.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "log_key.h"
#include "log_start_row.h"
#include "rocks_incoming_state.h"
#include "row_keys.h"
#include "seshat/base/check.h"
#include "wal_record.h"

namespace seshat {
namespace {

constexpr std::size_t kRecordOverheadBytes = 64;

std::size_t BytesOf(const LogWrite& write) {
  std::size_t bytes = kRecordOverheadBytes;
  if (write.start) bytes += kRecordOverheadBytes + write.start->snapshot_row.size();
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

void LogWriter::AddGroup(const GroupFamilies& families, LogIndex first, LogIndex next) {
  const DurableStart durable{.first_index = first,
                             .generation = families.family(FamilyKind::kLog)->generation()};
  const MutexLock lock(mutex_);
  bounds_[families.group] = Bounds{.first = first, .next = next, .durable = durable};
}

LogWriter::DurableStart LogWriter::DurableStartOf(GroupId group) {
  const MutexLock lock(mutex_);
  const auto bounds = bounds_.find(group);
  SESHAT_CHECK_MSG(bounds != bounds_.end(), "the log of an unknown group");
  return bounds->second.durable;
}

void LogWriter::MoveStart(const LogWrite& write, Bounds& bounds) {
  SESHAT_CHECK_MSG(write.install == nullptr || write.start, "an installation says where it starts");
  if (!write.start) return;
  const LogIndex first = write.start->first_index;
  if (write.install != nullptr) {
    bounds.next = first;
  } else {
    SESHAT_CHECK_MSG(first >= bounds.first, "a log's start that goes back");
    SESHAT_CHECK_MSG(first <= bounds.next, "a log's start beyond its end");
  }
  bounds.first = first;
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
    MoveStart(write, bounds->second);
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
    if (!MakeDurable(batch)) break;
    PublishStarts(batch);
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

bool LogWriter::MakeDurable(const std::vector<Queued>& batch) {
  Installations installations;
  const auto installs = [](const Queued& queued) { return queued.write.install != nullptr; };
  if (std::ranges::none_of(batch, installs)) {
    return WriteBatch(batch, installations) && SyncAndMeasure();
  }
  const MutexLock changes(database_.family_changes());
  if (!WriteBatch(batch, installations) || !SyncAndMeasure()) return false;
  for (auto& [group, installation] : installations) {
    database_.Publish(std::move(installation.families));
    for (const std::shared_ptr<const Family>& family : installation.replaced) {
      database_.Drop(*family);
    }
  }
  return true;
}

void LogWriter::PublishStarts(const std::vector<Queued>& batch) {
  for (const Queued& queued : batch) {
    if (!queued.write.start) continue;
    const std::shared_ptr<const GroupFamilies> families = database_.Find(queued.write.group);
    const MutexLock lock(mutex_);
    bounds_.at(queued.write.group).durable = {
        .first_index = queued.write.start->first_index,
        .generation = families->family(FamilyKind::kLog)->generation()};
  }
}

bool LogWriter::WriteBatch(const std::vector<Queued>& queued, Installations& installations) {
  std::size_t bytes = kRecordOverheadBytes;
  for (const Queued& one : queued) bytes += one.bytes;
  rocksdb::WriteBatch batch(bytes);
  SESHAT_CHECK(batch.PutLogData(NextMark()).ok());
  for (const Queued& one : queued) AddToBatch(one, installations, batch);
  return database_.Write(batch, "cannot write the log");
}

void LogWriter::AddInstall(const LogWrite& write, Installations& installations,
                           rocksdb::WriteBatch& batch) {
  Installation& installation = installations[write.group];
  const std::shared_ptr<const GroupFamilies> current =
      installation.families != nullptr ? installation.families : database_.Find(write.group);
  // No other kind of incoming state is made here.
  installation.families = static_cast<RocksIncomingState&>(*write.install).Install(*current);
  for (const FamilyKind kind : {FamilyKind::kLog, FamilyKind::kKv}) {
    installation.replaced.push_back(current->family(kind));
    database_.AddMapRow(*installation.families, kind, batch);
  }
}

void LogWriter::AddToBatch(const Queued& queued, Installations& installations,
                           rocksdb::WriteBatch& batch) {
  const LogWrite& write = queued.write;
  if (write.install != nullptr) AddInstall(write, installations, batch);
  const auto installed = installations.find(write.group);
  const std::shared_ptr<const GroupFamilies> families =
      installed != installations.end() ? installed->second.families : database_.Find(write.group);
  SESHAT_CHECK(families != nullptr);
  rocksdb::ColumnFamilyHandle* const state = families->handle(FamilyKind::kState);
  if (write.start) {
    const std::string row = EncodeLogStart(write.start->first_index);
    SESHAT_CHECK(batch.Put(state, kLogStartRow, row).ok());
    SESHAT_CHECK(batch.Put(state, kSnapshotRow, write.start->snapshot_row).ok());
  }
  rocksdb::ColumnFamilyHandle* const log = families->handle(FamilyKind::kLog);
  if (write.truncate_from) {
    // One by one: conflicts are short, and a range delete would slow every later read.
    for (LogIndex i = *write.truncate_from; i < queued.truncate_end; i = i.Next()) {
      SESHAT_CHECK(batch.Delete(log, LogKey(i).view()).ok());
    }
  }
  for (const LogRecord& record : write.records) {
    SESHAT_CHECK(batch.Put(log, LogKey(record.index).view(), record.value).ok());
  }
  if (write.state_row) SESHAT_CHECK(batch.Put(state, kStateRow, *write.state_row).ok());
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

// Compiled without RTTI: see wal_record.cc.
#include "info_log.h"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include "seshat/base/mutex.h"

namespace seshat {
namespace {

constexpr std::size_t kMessageBytesMax = 4096;  // what is longer is cut

// Threads: thread-safe.
class InfoLog : public rocksdb::Logger {
 public:
  explicit InfoLog(std::unique_ptr<rocksdb::FSWritableFile> file) : file_(std::move(file)) {}
  ~InfoLog() override { Close().PermitUncheckedError(); }

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    std::array<char, kMessageBytesMax> message;
    const int wanted = std::vsnprintf(message.data(), message.size(), format, arguments);
    if (wanted < 0) return;
    const std::size_t bytes = std::min<std::size_t>(wanted, message.size() - 1);
    const auto now =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const std::string line =
        fmt::format("{:%Y-%m-%dT%H:%M:%S}Z {}\n", now, std::string_view(message.data(), bytes));
    const MutexLock lock(mutex_);
    file_->Append(line, rocksdb::IOOptions(), nullptr).PermitUncheckedError();
    size_bytes_ += line.size();
  }
  // By which RocksDB decides to begin another.
  std::size_t GetLogFileSize() const override { return size_bytes_; }

 protected:
  rocksdb::Status CloseImpl() override {
    const MutexLock lock(mutex_);
    return file_->Close(rocksdb::IOOptions(), nullptr);
  }

 private:
  Mutex mutex_;
  const std::unique_ptr<rocksdb::FSWritableFile> file_;  // appended to under mutex_
  std::atomic<std::size_t> size_bytes_ = 0;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> MakeInfoLog(rocksdb::FileSystem& file_system,
                                             const std::string& path) {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  const rocksdb::IOStatus made =
      file_system.NewWritableFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (!made.ok()) return nullptr;
  return std::make_shared<InfoLog>(std::move(file));
}

}  // namespace seshat

// ClientRegistry: every client connection of this node, for CLIENT LIST, INFO and the limit on
// their number.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "seshat/base/mutex.h"
#include "seshat/base/time.h"
#include "seshat/commands/command_spec.h"
#include "seshat/resp/connection.h"

namespace seshat {

// What others may see of a connection.
// Threads: thread-safe: written by its connection, read by all.
class ClientRecord {
 public:
  ClientRecord(std::uint64_t client_id, const PeerAddress& peer, MonotonicTime now)
      : id(client_id), address(peer), connected_at(now), last_active_ns(now.since_boot.count()) {}

  struct Names {
    std::string name;
    std::string library_name;
    std::string library_version;
  };
  Names GetNames() const SESHAT_EXCLUDES(mutex_);
  void SetName(std::string name) SESHAT_EXCLUDES(mutex_);
  void SetLibraryName(std::string name) SESHAT_EXCLUDES(mutex_);
  void SetLibraryVersion(std::string version) SESHAT_EXCLUDES(mutex_);

  // Threads: immutable.
  const std::uint64_t id;
  const PeerAddress address;
  const MonotonicTime connected_at;

  // Threads: thread-safe.
  std::atomic<std::int64_t> last_active_ns;
  std::atomic<const CommandSpec*> last_command{nullptr};
  std::atomic<std::size_t> queued_bytes{0};
  std::atomic<int> resp_version{2};
  std::atomic<bool> read_only{false};

 private:
  mutable Mutex mutex_;
  Names names_ SESHAT_GUARDED_BY(mutex_);
};

// Threads: thread-safe.
class ClientRegistry {
 public:
  explicit ClientRegistry(std::size_t clients_max) : clients_max_(clients_max) {}

  // Null when there are clients_max already.
  std::shared_ptr<ClientRecord> Add(const PeerAddress& peer, MonotonicTime now)
      SESHAT_EXCLUDES(mutex_);
  void Remove(const ClientRecord& record) SESHAT_EXCLUDES(mutex_);

  std::size_t size() const SESHAT_EXCLUDES(mutex_);
  std::uint64_t accepted() const SESHAT_EXCLUDES(mutex_);
  std::uint64_t refused() const SESHAT_EXCLUDES(mutex_);
  std::vector<std::shared_ptr<const ClientRecord>> All() const SESHAT_EXCLUDES(mutex_);

 private:
  const std::size_t clients_max_;

  mutable Mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<ClientRecord>> records_ SESHAT_GUARDED_BY(mutex_);
  std::uint64_t last_id_ SESHAT_GUARDED_BY(mutex_) = 0;
  std::uint64_t refused_ SESHAT_GUARDED_BY(mutex_) = 0;
};

// A line of CLIENT LIST without its line break, as Redis writes it. Source: Redis 7, CLIENT LIST.
std::string ClientInfoLine(const ClientRecord& record, MonotonicTime now);

}  // namespace seshat

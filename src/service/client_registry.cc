#include "client_registry.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace seshat {

ClientRecord::Names ClientRecord::GetNames() const {
  MutexLock lock(mutex_);
  return names_;
}

void ClientRecord::SetName(std::string name) {
  MutexLock lock(mutex_);
  names_.name = std::move(name);
}

void ClientRecord::SetLibraryName(std::string name) {
  MutexLock lock(mutex_);
  names_.library_name = std::move(name);
}

void ClientRecord::SetLibraryVersion(std::string version) {
  MutexLock lock(mutex_);
  names_.library_version = std::move(version);
}

std::shared_ptr<ClientRecord> ClientRegistry::Add(const PeerAddress& peer, MonotonicTime now) {
  MutexLock lock(mutex_);
  if (records_.size() >= clients_max_) {
    ++refused_;
    return nullptr;
  }
  auto record = std::make_shared<ClientRecord>(++last_id_, peer, now);
  records_.emplace(record->id, record);
  return record;
}

void ClientRegistry::Remove(const ClientRecord& record) {
  MutexLock lock(mutex_);
  records_.erase(record.id);
}

std::size_t ClientRegistry::size() const {
  MutexLock lock(mutex_);
  return records_.size();
}

std::uint64_t ClientRegistry::accepted() const {
  MutexLock lock(mutex_);
  return last_id_;
}

std::uint64_t ClientRegistry::refused() const {
  MutexLock lock(mutex_);
  return refused_;
}

std::vector<std::shared_ptr<const ClientRecord>> ClientRegistry::All() const {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<const ClientRecord>> all;
  all.reserve(records_.size());
  for (const auto& [id, record] : records_) all.push_back(record);
  return all;
}

std::string ClientInfoLine(const ClientRecord& record, MonotonicTime now) {
  const auto seconds_since = [&](MonotonicTime then) {
    return std::chrono::duration_cast<std::chrono::seconds>(now - then).count();
  };
  const MonotonicTime active{Duration(record.last_active_ns.load(std::memory_order_relaxed))};
  const CommandSpec* command = record.last_command.load(std::memory_order_relaxed);
  const std::size_t queued = record.queued_bytes.load(std::memory_order_relaxed);
  const ClientRecord::Names names = record.GetNames();
  return fmt::format(
      "id={} addr={} laddr={} fd=-1 name={} age={} idle={} flags={} db=0 sub=0 psub=0 ssub=0 "
      "multi=-1 qbuf={} qbuf-free=0 argv-mem={} multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 "
      "tot-mem={} events=r cmd={} user=default redir=-1 resp={} lib-name={} lib-ver={}",
      record.id, record.address.remote, record.address.local, names.name,
      seconds_since(record.connected_at), seconds_since(active),
      record.read_only.load(std::memory_order_relaxed) ? "r" : "N", queued, queued, queued,
      command == nullptr ? "NULL" : command->full_name,
      record.resp_version.load(std::memory_order_relaxed), names.library_name,
      names.library_version);
}

}  // namespace seshat

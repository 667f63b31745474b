// Log writes of one record, as tests of disks and of checks want them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "seshat/base/ids.h"
#include "seshat/ports/log_store.h"
#include "seshat/v1/storage.pb.h"

namespace seshat {

inline std::string RecordBytes(std::uint64_t term, std::uint64_t index, const std::string& data) {
  v1::VersionedLogEntry entry;
  entry.set_version(1);
  entry.set_term(term);
  entry.set_index(index);
  entry.set_entry_type(v1::LOG_ENTRY_TYPE_NORMAL);
  entry.set_data(data);
  return entry.SerializeAsString();
}

// A change of the members: voters, and those who had a vote before and still have it.
inline std::string MembersRecord(std::uint64_t term, std::uint64_t index,
                                 std::initializer_list<std::uint64_t> voters,
                                 std::initializer_list<std::uint64_t> outgoing = {}) {
  v1::GroupConfiguration configuration;
  for (const std::uint64_t node : voters) configuration.add_voters(node);
  for (const std::uint64_t node : outgoing) configuration.add_voters_outgoing(node);
  v1::VersionedLogEntry entry;
  entry.set_term(term);
  entry.set_index(index);
  entry.set_entry_type(v1::LOG_ENTRY_TYPE_CONFIG);
  entry.set_data(configuration.SerializeAsString());
  return entry.SerializeAsString();
}

inline LogWrite WriteOf(std::uint64_t term, std::uint64_t index, const std::string& data = "x") {
  LogWrite write;
  write.group = kFirstDataGroup;
  write.records.push_back({LogIndex(index), RecordBytes(term, index, data)});
  return write;
}

}  // namespace seshat

// Log writes of one record, as tests of disks and of checks want them.
#pragma once

#include <cstdint>
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

inline LogWrite WriteOf(std::uint64_t term, std::uint64_t index, const std::string& data = "x") {
  LogWrite write;
  write.group = kFirstDataGroup;
  write.records.push_back({LogIndex(index), RecordBytes(term, index, data)});
  return write;
}

}  // namespace seshat

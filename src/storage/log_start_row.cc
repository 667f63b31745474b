#include "log_start_row.h"

#include <fmt/core.h>

#include "seshat/v1/storage.pb.h"

namespace seshat {
namespace {

constexpr std::uint32_t kVersion = 1;

}  // namespace

std::string EncodeLogStart(LogIndex first_index) {
  v1::LogStart start;
  start.set_version(kVersion);
  start.set_first_index(first_index.value());
  return start.SerializeAsString();
}

Result<LogIndex> DecodeLogStart(std::string_view row) {
  v1::LogStart start;
  if (!start.ParseFromArray(row.data(), static_cast<int>(row.size())) || start.version() == 0 ||
      start.first_index() == 0) {
    return MakeError(ErrorCode::kCorruption, "the row log_start does not decode");
  }
  if (start.version() > kVersion) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("the row log_start has version {}, newer than {}, the newest that "
                                 "this version of Seshat reads",
                                 start.version(), kVersion));
  }
  return LogIndex(start.first_index());
}

}  // namespace seshat

#include "rocks_status.h"

#include <fmt/core.h>

namespace seshat {

Error ErrorFrom(const rocksdb::Status& status, std::string_view context) {
  ErrorCode code = ErrorCode::kIo;
  if (status.IsCorruption()) code = ErrorCode::kCorruption;
  if (status.IsNoSpace()) code = ErrorCode::kResourceExhausted;
  return Error(code, fmt::format("{}: {}", context, status.ToString()));
}

}  // namespace seshat

#include "rocks_status.h"

#include <fmt/core.h>

namespace seshat {

Error ErrorFrom(const rocksdb::Status& status, std::string_view context) {
  const ErrorCode code = status.IsCorruption() ? ErrorCode::kCorruption : ErrorCode::kIo;
  return Error(code, fmt::format("{}: {}", context, status.ToString()));
}

}  // namespace seshat

// The commands of a data group as opaque bytes in the log (message DataCommand).
//
// Decoding copies nothing: a log entry of many commands is applied from its own bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/resp/request.h"

namespace seshat {

// A key that is due, as its expiry event names it.
struct ExpiringKey {
  std::string_view key = {};
  UnixMillis expires_at = {};
  Revision revision = {};

  bool operator==(const ExpiringKey&) const = default;
};

inline constexpr std::size_t kExpiringKeysMax = 1000;

// A client's command, its name first.
std::string EncodeClientCommand(Arguments arguments);
// Pre: keys.size() <= kExpiringKeysMax.
std::string EncodeExpireKeys(std::span<const ExpiringKey> keys);

std::string EncodeMarkState();

// Threads: a value type; owned by its user. Lifetime: views lie in the decoded bytes.
struct DataCommand {
  enum class Kind { kClient, kExpire, kMark };
  Kind kind = Kind::kClient;
  std::vector<std::string_view> arguments = {};  // kClient, never empty
  std::vector<ExpiringKey> expiring_keys = {};   // kExpire
};

// Replaces `command`, whose vectors keep their capacity from one command to the next.
// Errors: kCorruption when the bytes do not decode; kFailedPrecondition when a newer version of
// Seshat wrote them. `command` is then unspecified.
Status DecodeDataCommand(std::string_view bytes, DataCommand& command);

}  // namespace seshat

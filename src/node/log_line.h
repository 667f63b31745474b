// One event as a line of text. Pure, so that tests see exactly what is written.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "seshat/base/time.h"
#include "seshat/node/log.h"

namespace seshat {

struct LogEvent {
  UnixMillis time = {};
  LogLevel level = LogLevel::kInfo;
  std::string_view target = {};
  std::string_view thread = {};
  std::string_view file = {};  // without folders
  unsigned line = 0;
  std::string_view message = {};
  std::initializer_list<LogField> fields = {};
};

// "debug", "info", "warn", "error".
std::string_view ToString(LogLevel level);
// {"time":"2026-01-31T23:59:59.123Z","level":...,"fields":{...}}, without a newline. Bytes that are
// not ASCII are kept when they are valid in JSON, control characters are escaped.
std::string ToJsonLine(const LogEvent& event);
// "[target] message name=value ... (file:line)".
std::string ToTextLine(const LogEvent& event);

}  // namespace seshat

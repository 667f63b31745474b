// The node's log: one line per event, JSON for machines or coloured text for a terminal.
//
// Only the composition logs. Lower layers report through return values, metrics and callbacks, so
// that they run unchanged in tests and simulations.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <source_location>
#include <string>
#include <string_view>

#include "seshat/node/node_config.h"

namespace seshat {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

// A named value of an event. Lifetime: views, valid during the call only.
struct LogField {
  enum class Kind { kText, kNumber, kSwitch };

  LogField(std::string_view field_name, std::string_view value)
      : name(field_name), kind(Kind::kText), text(value) {}
  LogField(std::string_view field_name, const char* value)
      : LogField(field_name, std::string_view(value)) {}
  LogField(std::string_view field_name, const std::string& value)
      : LogField(field_name, std::string_view(value)) {}
  LogField(std::string_view field_name, std::uint64_t value)
      : name(field_name), kind(Kind::kNumber), number(value) {}
  LogField(std::string_view field_name, bool value)
      : name(field_name), kind(Kind::kSwitch), number(value ? 1 : 0) {}

  std::string_view name;
  Kind kind = Kind::kText;
  std::string_view text;
  std::uint64_t number = 0;
};

// Sets level and format; `LogFormatSetting::kAuto` looks whether stderr is a terminal. Until then
// events from info up go to stderr as kAuto has it.
// Threads: once, before other threads log.
void StartLog(LogLevelSetting level, LogFormatSetting format);

// Writes one event to stderr. `target` is the part of the node that speaks ("raft", "transport").
// Threads: thread-safe; may block on stderr, so it is for events, not for each request.
void Log(LogLevel level, std::string_view target, std::string_view message,
         std::initializer_list<LogField> fields = {},
         const std::source_location& where = std::source_location::current());

// Writes out what is buffered.
void FlushLog();

}  // namespace seshat

#include "log_line.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace seshat {
namespace {

void AppendJsonText(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      default:
        // Bytes above ASCII may come from a peer and need not be UTF-8: Latin-1 escapes are valid.
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void AppendJsonMember(std::string_view name, std::string_view text, std::string& out) {
  AppendJsonText(name, out);
  out += ':';
  AppendJsonText(text, out);
}

std::string TimeText(UnixMillis time) {
  const auto seconds = static_cast<std::time_t>(time.value / 1000);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), time.value % 1000);
}

}  // namespace

std::string_view ToString(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

std::string ToJsonLine(const LogEvent& event) {
  std::string out = "{";
  AppendJsonMember("time", TimeText(event.time), out);
  out += ',';
  AppendJsonMember("level", ToString(event.level), out);
  out += ',';
  AppendJsonMember("target", event.target, out);
  out += ',';
  AppendJsonMember("thread", event.thread, out);
  out += ',';
  AppendJsonMember("file", event.file, out);
  out += fmt::format(",\"line\":{},", event.line);
  AppendJsonMember("message", event.message, out);
  out += ",\"fields\":{";
  bool is_first = true;
  for (const LogField& field : event.fields) {
    if (!std::exchange(is_first, false)) out += ',';
    AppendJsonText(field.name, out);
    out += ':';
    if (field.kind == LogField::Kind::kText) {
      AppendJsonText(field.text, out);
    } else if (field.kind == LogField::Kind::kNumber) {
      out += std::to_string(field.number);
    } else {
      out += field.number != 0 ? "true" : "false";
    }
  }
  return out + "}}";
}

std::string ToTextLine(const LogEvent& event) {
  std::string out = fmt::format("[{}] {}", event.target, event.message);
  for (const LogField& field : event.fields) {
    out += fmt::format(" {}=", field.name);
    if (field.kind == LogField::Kind::kText) {
      out += field.text;
    } else if (field.kind == LogField::Kind::kNumber) {
      out += std::to_string(field.number);
    } else {
      out += field.number != 0 ? "yes" : "no";
    }
  }
  // What a peer or a path brings along must not break the line or steer the terminal.
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out + fmt::format(" ({}:{})", event.file, event.line);
}

}  // namespace seshat

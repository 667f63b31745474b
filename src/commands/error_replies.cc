#include "seshat/commands/error_replies.h"

#include <utility>

namespace seshat {

Reply SyntaxError() {
  return Reply::Error("ERR syntax error");
}

Reply NotAnInteger() {
  return Reply::Error("ERR value is not an integer or out of range");
}

Reply WrongType() {
  return Reply::Error("WRONGTYPE Operation against a key holding the wrong kind of value");
}

Reply WrongArity(std::string_view full_name) {
  std::string text = "ERR wrong number of arguments for '";
  text.append(full_name).append("' command");
  return Reply::Error(std::move(text));
}

Reply InvalidExpireTime(std::string_view full_name) {
  std::string text = "ERR invalid expire time in '";
  text.append(full_name).append("' command");
  return Reply::Error(std::move(text));
}

Reply ErrorQuoting(std::string text) {
  text.erase(text.find_last_not_of("\r\n") + 1);
  for (char& c : text) {
    if (c == '\r' || c == '\n') c = ' ';
  }
  return Reply::Error(std::move(text));
}

std::string_view QuotableText(std::string_view text) {
  return text.substr(0, text.find('\0'));
}

}  // namespace seshat

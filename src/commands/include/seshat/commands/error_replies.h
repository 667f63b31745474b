// Error replies in Redis's own words, where several commands give them.
#pragma once

#include <string>
#include <string_view>

#include "seshat/resp/reply.h"

namespace seshat {

Reply SyntaxError();                           // ERR syntax error
Reply NotAnInteger();                          // ERR value is not an integer or out of range
Reply WrongType();                             // WRONGTYPE ...
Reply WrongArity(std::string_view full_name);  // ERR wrong number of arguments for ...
Reply InvalidExpireTime(std::string_view full_name);

// An error reply that quotes a client's bytes: line breaks, which would end the reply early,
// become blanks, and go at its end.
Reply ErrorQuoting(std::string text);

// What Redis shows of a client's bytes in an error: it prints them as a C string, so only up to
// the first zero byte.
std::string_view QuotableText(std::string_view text);

}  // namespace seshat

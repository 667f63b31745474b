// Splits an inline command into arguments by Redis's quoting rules. Private to the request parser.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace seshat {

// Appends the arguments of `line` (without its line end) to `arguments`: views into `line` where an
// argument stands there as it is, else into strings appended to `unquoted`.
//
// Arguments are separated by white space. "..." understands \n \r \t \b \a, \xHH and \ before any
// other byte; '...' understands \' alone. A closing quote must end its argument.
// False when quotes are unbalanced; `arguments` may then hold a part.
// Source: Redis 7.0.15, inline commands.
bool SplitInlineArguments(std::string_view line, std::vector<std::string_view>& arguments,
                          std::deque<std::string>& unquoted);

}  // namespace seshat

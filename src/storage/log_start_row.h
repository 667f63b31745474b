// The row `log_start` of a state family: the first index of the group's log.
#pragma once

#include <string>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"

namespace seshat {

std::string EncodeLogStart(LogIndex first_index);

// Errors: kCorruption, without a place: "the row log_start does not decode".
Result<LogIndex> DecodeLogStart(std::string_view row);

}  // namespace seshat

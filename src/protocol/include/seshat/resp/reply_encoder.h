// Writes replies as RESP2 or RESP3 bytes, byte for byte as Redis 7.0.15 does. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"

namespace seshat {

// Appends `reply` to `out`. In RESP2 what is not known there becomes what Redis makes of it (see
// Reply::Type). CR and LF inside simple strings, errors and big numbers become spaces: they would
// break the framing.
void EncodeReply(const Reply& reply, RespVersion version, std::string& out);

// The common replies without a Reply in between; the same in both versions but for null.
void EncodeOk(std::string& out);
void EncodeSimpleString(std::string_view text, std::string& out);
// `text` with its prefix and without the dash: "ERR syntax error".
void EncodeError(std::string_view text, std::string& out);
void EncodeInteger(std::int64_t value, std::string& out);
void EncodeBulk(std::string_view text, std::string& out);
void EncodeNull(RespVersion version, std::string& out);
// The caller appends `count` items next.
void EncodeArrayHeader(std::size_t count, std::string& out);

}  // namespace seshat

// HMAC-SHA256, constant-time comparison and unpredictable bytes, over OpenSSL.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace seshat {

// 32 bytes. Source: RFC 2104.
std::string HmacSha256(std::string_view key, std::string_view message);

// Takes as long for a near miss as for a wild one. Lengths are not secret.
bool EqualInConstantTime(std::string_view a, std::string_view b);

// From the operating system's generator; never predictable, unlike the Rng port, which a
// simulation may seed.
std::string UnpredictableBytes(std::size_t count);

}  // namespace seshat

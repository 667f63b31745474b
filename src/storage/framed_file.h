// The frame of our own small files: a magic string (8 bytes), a format version (8), a CRC-32C of
// the rest (8), and one protobuf. Numbers are big-endian.
//
// What the protobuf says, and its own version, is the file's owner's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "seshat/base/error.h"

namespace seshat {

// Threads: immutable.
struct FileFormat {
  std::string_view magic;  // 8 bytes
  std::uint64_t version = 1;
  std::string_view name;    // "an identity file"
  std::string_view remedy;  // what a person may do about a damaged one
};

std::string FrameContent(const FileFormat& format, std::string_view body);

// The protobuf's bytes, a part of `content`.
// Errors: kCorruption for a damaged file or a newer version, with the file's name.
Result<std::string_view> UnframeContent(const FileFormat& format, const std::filesystem::path& path,
                                        std::string_view content);

// kCorruption: "`path`: `why`; <what to do>".
std::unexpected<Error> DamagedFile(const FileFormat& format, const std::filesystem::path& path,
                                   std::string_view why);

// Errors: kCorruption when the protobuf is of a newer version than `newest`.
Status CheckRecordVersion(const std::filesystem::path& path, std::uint32_t version,
                          std::uint32_t newest);

}  // namespace seshat

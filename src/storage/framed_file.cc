#include "framed_file.h"

#include <fmt/core.h>

#include <cstddef>

#include "crc32c.h"
#include "seshat/base/big_endian.h"

namespace seshat {
namespace {

constexpr std::size_t kHeaderBytes = 24;

}  // namespace

std::string FrameContent(const FileFormat& format, std::string_view body) {
  std::string content(format.magic);
  AppendBigEndian64(content, format.version);
  AppendBigEndian64(content, Crc32c(body));
  content += body;
  return content;
}

Result<std::string_view> UnframeContent(const FileFormat& format, const std::filesystem::path& path,
                                        std::string_view content) {
  if (content.size() < kHeaderBytes || !content.starts_with(format.magic)) {
    return DamagedFile(format, path, fmt::format("not {}", format.name));
  }
  const std::uint64_t version = ReadBigEndian64(content.substr(8));
  const std::uint64_t checksum = ReadBigEndian64(content.substr(16));
  const std::string_view body = content.substr(kHeaderBytes);
  if (version > format.version) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("{}: format version {} is newer than {}, the newest that this "
                                 "version of Seshat reads; start the newer version",
                                 path.string(), version, format.version));
  }
  if (version != format.version) {
    return DamagedFile(format, path,
                       fmt::format("format version {}; allowed is {}", version, format.version));
  }
  if (checksum != Crc32c(body)) return DamagedFile(format, path, "the checksum does not match");
  return body;
}

std::unexpected<Error> DamagedFile(const FileFormat& format, const std::filesystem::path& path,
                                   std::string_view why) {
  return MakeError(ErrorCode::kCorruption,
                   fmt::format("{}: {}; {}", path.string(), why, format.remedy));
}

Status CheckRecordVersion(const std::filesystem::path& path, std::uint32_t version,
                          std::uint32_t newest) {
  if (version <= newest) return {};
  return MakeError(ErrorCode::kCorruption,
                   fmt::format("{}: record version {} is newer than {}, the newest that this "
                               "version of Seshat reads; start the newer version",
                               path.string(), version, newest));
}

}  // namespace seshat

#include "rocksdb_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

#include "posix_file.h"
#include "wal_record.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIdentityBytesMax = 4096;
constexpr std::string_view kManifestPrefix = "MANIFEST-";

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<std::vector<NumberedFile>> ListNumberedFiles(const fs::path& rocksdb_dir,
                                                    std::string_view extension) {
  std::vector<NumberedFile> files;
  std::error_code failure;
  for (fs::directory_iterator it(rocksdb_dir, failure), end; !failure && it != end;
       it.increment(failure)) {
    if (it->path().extension() != extension) continue;
    const std::optional<std::uint64_t> number = ParseNumber(it->path().stem().string());
    if (number) files.push_back({.number = *number, .path = it->path()});
  }
  if (failure) {
    return MakeError(ErrorCode::kIo, fmt::format("cannot list the folder {}: {}",
                                                 rocksdb_dir.string(), failure.message()));
  }
  std::ranges::sort(files, {}, &NumberedFile::number);
  return files;
}

std::optional<std::uint64_t> ManifestNumber(const fs::path& path) {
  const std::string name = path.filename();
  if (!name.starts_with(kManifestPrefix)) return std::nullopt;
  return ParseNumber(std::string_view(name).substr(kManifestPrefix.size()));
}

Result<std::uint64_t> ReadMarkKey(const fs::path& rocksdb_dir) {
  const fs::path path = rocksdb_dir / "IDENTITY";
  Result<std::optional<std::string>> identity = ReadSmallFile(path, kIdentityBytesMax);
  if (!identity) return std::unexpected(identity.error());
  if (!identity->has_value()) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("{} is missing: without it the write-ahead log cannot be checked",
                                 path.string()));
  }
  return MarkKeyOf((*identity)->substr(0, (*identity)->find('\n')));
}

}  // namespace seshat

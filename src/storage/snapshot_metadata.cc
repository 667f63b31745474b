#include "snapshot_metadata.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "crc32c.h"
#include "framed_file.h"
#include "posix_file.h"
#include "rocksdb_files.h"
#include "seshat/v1/storage.pb.h"
#include "snapshot_folder.h"

namespace seshat {
namespace {

constexpr FileFormat kFormat{.magic = "SESHATSN",
                             .version = 1,
                             .name = "the metadata of a snapshot",
                             .remedy = "the snapshot is not used; remove its folder"};
constexpr std::uint32_t kMessageVersion = 1;
constexpr std::size_t kFileBytesMax = std::size_t{16} << 20;

std::filesystem::path PathIn(const std::filesystem::path& folder) {
  return folder / "METADATA";
}

}  // namespace

Status WriteSnapshotMetadata(const std::filesystem::path& folder, const KeptMetadata& metadata) {
  v1::StoredSnapshot message;
  message.set_version(kMessageVersion);
  message.set_created_at_ms(metadata.created_at.value);
  message.set_size_bytes(metadata.size_bytes);
  message.set_number(metadata.number);
  message.set_manifest_crc32c(metadata.manifest_crc32c);
  for (const GroupSnapshot& group : metadata.groups) {
    v1::StoredGroupSnapshot& row = *message.add_groups();
    row.set_group_id(group.group.value());
    row.set_metadata(group.metadata);
  }
  return ReplaceFile(PathIn(folder), FrameContent(kFormat, message.SerializeAsString()));
}

Result<KeptMetadata> ReadSnapshotMetadata(const std::filesystem::path& folder) {
  const std::filesystem::path path = PathIn(folder);
  Result<std::optional<std::string>> content = ReadSmallFile(path, kFileBytesMax);
  if (!content) return std::unexpected(content.error());
  if (!content->has_value()) return DamagedFile(kFormat, path, "the file is missing");
  Result<std::string_view> body = UnframeContent(kFormat, path, **content);
  if (!body) return std::unexpected(body.error());
  v1::StoredSnapshot message;
  if (!message.ParseFromArray(body->data(), static_cast<int>(body->size())) ||
      message.version() == 0) {
    return DamagedFile(kFormat, path, "the content does not decode");
  }
  if (Status known = CheckRecordVersion(path, message.version(), kMessageVersion); !known) {
    return std::unexpected(known.error());
  }
  KeptMetadata metadata{.created_at = {message.created_at_ms()},
                        .size_bytes = message.size_bytes(),
                        .number = message.number(),
                        .groups = {},
                        .manifest_crc32c = message.manifest_crc32c()};
  for (v1::StoredGroupSnapshot& row : *message.mutable_groups()) {
    const GroupId group(row.group_id());
    if (!metadata.groups.empty() && metadata.groups.back().group >= group) {
      return DamagedFile(kFormat, path, "its groups are not in order");
    }
    metadata.groups.push_back({.group = group, .metadata = std::move(*row.mutable_metadata())});
  }
  return metadata;
}

Result<std::vector<KeptFolder>> ListKeptSnapshots(const std::filesystem::path& snapshots_dir,
                                                  std::vector<std::string>& unusable) {
  Result<std::vector<std::string>> names = ListFolder(snapshots_dir);
  if (!names) return std::unexpected(names.error());
  std::vector<KeptFolder> kept;
  for (const std::string& name : *names) {
    if (!name.starts_with(kKeptSnapshotPrefix) || name.ends_with(kPartialSuffix)) continue;
    std::filesystem::path path = snapshots_dir / name;
    Result<KeptMetadata> metadata = ReadSnapshotMetadata(path);
    if (metadata) {
      kept.push_back({.path = std::move(path), .metadata = *std::move(metadata)});
    } else {
      unusable.push_back(metadata.error().message());
    }
  }
  std::ranges::sort(kept, {}, [](const KeptFolder& folder) { return folder.metadata.number; });
  return kept;
}

Result<std::uint32_t> ManifestChecksum(const std::filesystem::path& folder) {
  Result<std::vector<std::string>> names = ListFolder(folder);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    if (!ManifestNumber(name)) continue;
    std::error_code failure;
    const std::uintmax_t bytes = std::filesystem::file_size(folder / name, failure);
    Result<FileDescriptor> file = OpenForReading(folder / name);
    if (!file) return std::unexpected(file.error());
    std::string content;
    if (Status read = ReadAt(*file, folder / name, 0, failure ? 0 : bytes, content); !read) {
      return std::unexpected(read.error());
    }
    return Crc32c(content);
  }
  return DamagedFile(kFormat, folder, "the MANIFEST is missing");
}

}  // namespace seshat

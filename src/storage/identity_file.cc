#include "seshat/storage/identity_file.h"

#include <fmt/core.h>

#include <string_view>

#include "crc32c.h"
#include "posix_file.h"
#include "seshat/base/big_endian.h"
#include "seshat/v1/storage.pb.h"

namespace seshat {
namespace {

// Layout: magic (8 bytes), format version (8), CRC-32C of the body (8), the body. Numbers are
// big-endian.
constexpr std::string_view kMagic = "SESHATID";
constexpr std::uint64_t kFormatVersion = 1;
constexpr std::uint32_t kMessageVersion = 1;
constexpr std::size_t kHeaderBytes = 24;
constexpr std::size_t kFileBytesMax = 4096;

std::filesystem::path PathIn(const std::filesystem::path& data_dir) {
  return data_dir / "IDENTITY";
}

std::unexpected<Error> Damaged(const std::filesystem::path& path, std::string_view why) {
  return MakeError(ErrorCode::kCorruption,
                   fmt::format("{}: {}; restore the file from a backup, or move the whole data "
                               "directory away and join this node again as a new one",
                               path.string(), why));
}

Result<NodeIdentity> Decode(const std::filesystem::path& path, std::string_view content) {
  if (content.size() < kHeaderBytes || !content.starts_with(kMagic)) {
    return Damaged(path, "not an identity file");
  }
  const std::uint64_t format = ReadBigEndian64(content.substr(8));
  const std::uint64_t checksum = ReadBigEndian64(content.substr(16));
  const std::string_view body = content.substr(kHeaderBytes);
  if (format > kFormatVersion) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("{}: format version {} is newer than {}, the newest that this "
                                 "version of Seshat reads; start the newer version",
                                 path.string(), format, kFormatVersion));
  }
  if (format != kFormatVersion) return Damaged(path, "format version 0; allowed is 1");
  if (checksum != Crc32c(body)) return Damaged(path, "the checksum does not match");
  v1::Identity message;
  if (!message.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return Damaged(path, "the content does not decode");
  }
  if (message.version() > kMessageVersion) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("{}: record version {} is newer than {}, the newest that this "
                                 "version of Seshat reads; start the newer version",
                                 path.string(), message.version(), kMessageVersion));
  }
  if (message.node_id() == 0) return Damaged(path, "node id 0; allowed is 1 and up");
  return NodeIdentity{.node_id = NodeId(message.node_id()),
                      .cluster_id = message.cluster_id(),
                      .store_id = message.store_id(),
                      .bootstrap_hash = message.bootstrap_hash(),
                      .quarantine = message.quarantine()};
}

}  // namespace

Result<std::optional<NodeIdentity>> ReadIdentity(const std::filesystem::path& data_dir) {
  const std::filesystem::path path = PathIn(data_dir);
  Result<std::optional<std::string>> content = ReadSmallFile(path, kFileBytesMax);
  if (!content) return std::unexpected(content.error());
  if (!content->has_value()) return std::nullopt;
  Result<NodeIdentity> identity = Decode(path, **content);
  if (!identity) return std::unexpected(identity.error());
  return *std::move(identity);
}

Status WriteIdentity(const std::filesystem::path& data_dir, const NodeIdentity& identity) {
  v1::Identity message;
  message.set_version(kMessageVersion);
  message.set_node_id(identity.node_id.value());
  message.set_cluster_id(identity.cluster_id);
  message.set_store_id(identity.store_id);
  message.set_bootstrap_hash(identity.bootstrap_hash);
  message.set_quarantine(identity.quarantine);
  const std::string body = message.SerializeAsString();

  std::string content(kMagic);
  AppendBigEndian64(content, kFormatVersion);
  AppendBigEndian64(content, Crc32c(body));
  content += body;
  if (Status made = MakeFolder(data_dir); !made) return made;
  return ReplaceFile(PathIn(data_dir), content);
}

}  // namespace seshat

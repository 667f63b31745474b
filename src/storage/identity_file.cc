#include "seshat/storage/identity_file.h"

#include "framed_file.h"
#include "posix_file.h"
#include "seshat/v1/storage.pb.h"

namespace seshat {
namespace {

constexpr FileFormat kFormat{
    .magic = "SESHATID",
    .version = kIdentityFormatVersion,
    .name = "an identity file",
    .remedy =
        "restore the file from a backup, or move the whole data directory away and join this "
        "node again as a new one"};
constexpr std::uint32_t kMessageVersion = 1;
constexpr std::size_t kFileBytesMax = 4096;

std::filesystem::path PathIn(const std::filesystem::path& data_dir) {
  return data_dir / "IDENTITY";
}

Result<NodeIdentity> Decode(const std::filesystem::path& path, std::string_view content) {
  Result<std::string_view> body = UnframeContent(kFormat, path, content);
  if (!body) return std::unexpected(body.error());
  v1::Identity message;
  if (!message.ParseFromArray(body->data(), static_cast<int>(body->size()))) {
    return DamagedFile(kFormat, path, "the content does not decode");
  }
  if (Status known = CheckRecordVersion(path, message.version(), kMessageVersion); !known) {
    return std::unexpected(known.error());
  }
  if (message.node_id() == 0) return DamagedFile(kFormat, path, "node id 0; allowed is 1 and up");
  return NodeIdentity{.node_id = NodeId(message.node_id()),
                      .cluster_id = message.cluster_id(),
                      .store_id = message.store_id(),
                      .bootstrap_hash = message.bootstrap_hash(),
                      .quarantine = message.quarantine(),
                      .unfinished = message.unfinished()};
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
  message.set_unfinished(identity.unfinished);
  if (Status made = MakeFolder(data_dir); !made) return made;
  return ReplaceFile(PathIn(data_dir), FrameContent(kFormat, message.SerializeAsString()));
}

}  // namespace seshat

#include "data_directory.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "seshat/base/big_endian.h"
#include "seshat/base/check.h"

namespace seshat {
namespace {

std::unexpected<Error> Refuse(std::string message) {
  return MakeError(ErrorCode::kFailedPrecondition, std::move(message));
}

// What a node itself leaves in a directory before its IDENTITY is there, and what a freshly made
// file system holds.
bool MayPrecedeIdentity(const std::string& name) {
  constexpr std::string_view kNames[] = {"LOCK",     "rocksdb",           "snapshots",
                                         "incoming", "rocksdb-torn-tail", "lost+found"};
  return name.starts_with("IDENTITY") || std::ranges::count(kNames, name) > 0;
}

}  // namespace

std::string BootstrapHash(const std::string& cluster_name,
                          const std::vector<FoundingMember>& members) {
  std::string text = fmt::format("seshat-bootstrap-1\n{}\n", cluster_name);
  for (const FoundingMember& member : members) {
    text += fmt::format("{}={}\n", member.node.value(), member.internal_address.ToString());
  }
  return Sha256(text);
}

std::string Sha256(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  SESHAT_CHECK(EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr) == 1);
  return std::string(digest, digest + size);
}

std::string RandomBytes(Rng& rng, std::size_t count) {
  std::string bytes;
  while (bytes.size() < count) AppendBigEndian64(bytes, rng.Next());
  bytes.resize(count);
  return bytes;
}

std::string NewStoreId(Rng& rng) {
  constexpr std::size_t kStoreIdBytes = 16;
  return RandomBytes(rng, kStoreIdBytes);
}

std::string NewClusterId(Rng& rng) {
  return RandomBytes(rng, kClusterIdBytes);
}

std::string ToHex(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

Status CheckDataDirectory(const std::filesystem::path& data_dir) {
  std::error_code error;
  std::filesystem::create_directories(data_dir, error);
  if (error) {
    return MakeError(ErrorCode::kIo, fmt::format("data_dir = \"{}\" cannot be made: {}",
                                                 data_dir.string(), error.message()));
  }
  if (::access(data_dir.c_str(), R_OK | W_OK | X_OK) != 0) {
    return MakeError(ErrorCode::kIo, fmt::format("data_dir = \"{}\" cannot be written: {}",
                                                 data_dir.string(), std::strerror(errno)));
  }
  if (std::filesystem::exists(data_dir / "IDENTITY", error)) return {};
  std::filesystem::directory_iterator entry(data_dir, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (MayPrecedeIdentity(name)) continue;
    return Refuse(fmt::format(
        "data_dir = \"{}\" is not Seshat's: it holds \"{}\" and no IDENTITY; allowed: an empty "
        "directory, or one that a node has used",
        data_dir.string(), name));
  }
  if (error) {
    return MakeError(ErrorCode::kIo, fmt::format("data_dir = \"{}\" cannot be read: {}",
                                                 data_dir.string(), error.message()));
  }
  return {};
}

Result<IdentityDecision> DecideIdentity(const NodeConfig& config,
                                        const std::optional<NodeIdentity>& on_disk, bool has_groups,
                                        Rng& rng) {
  const std::string hash = BootstrapHash(config.cluster_name, config.FoundingMembers());
  if (on_disk) {
    if (on_disk->node_id != config.node_id) {
      return Refuse(fmt::format(
          "node_id = {} contradicts data_dir = \"{}\", which belongs to node {}: allowed: node {}, "
          "or another directory",
          config.node_id.value(), config.data_dir, on_disk->node_id.value(),
          on_disk->node_id.value()));
    }
    if (!on_disk->quarantine.empty()) {
      return Refuse(fmt::format(
          "data_dir = \"{}\" is in quarantine: {}; it must not be served again: keep it for an "
          "examination",
          config.data_dir, on_disk->quarantine));
    }
    if (!on_disk->unfinished.empty()) {
      return Refuse(fmt::format(
          "data_dir = \"{}\": `{}` was interrupted in it and left it half done: allowed: the same "
          "command again, which finishes it",
          config.data_dir, on_disk->unfinished));
    }
    if (on_disk->cluster_id.empty() && on_disk->bootstrap_hash != hash) {
      return Refuse(fmt::format(
          "initial_members, join or cluster_name differ from those that data_dir = \"{}\" began to "
          "found or to join a cluster with: allowed: the same as then, or an empty directory",
          config.data_dir));
    }
    return IdentityDecision{*on_disk, false};
  }
  if (has_groups) {
    return Refuse(fmt::format(
        "data_dir = \"{}\" holds data but no IDENTITY: the file was lost; allowed: a directory "
        "that is complete",
        config.data_dir));
  }
  if (!config.initial_members.empty() && !config.bootstrap) {
    return Refuse(fmt::format(
        "data_dir = \"{}\" is empty and bootstrap is off: allowed: bootstrap (--bootstrap) to "
        "found a cluster with initial_members, or the data directory this node had",
        config.data_dir));
  }
  return IdentityDecision{{.node_id = config.node_id,
                           .cluster_id = "",
                           .store_id = NewStoreId(rng),
                           .bootstrap_hash = hash,
                           .quarantine = ""},
                          true};
}

}  // namespace seshat

// The data directory before anything runs: whose it is, and whether this node may use it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/node/node_config.h"
#include "seshat/ports/rng.h"
#include "seshat/storage/identity_file.h"

namespace seshat {

// 32 bytes that are equal on two nodes exactly when name, ids and internal addresses of the
// founding members are. Peers compare it while they have no cluster id. Source: ADR 0008.
std::string BootstrapHash(const std::string& cluster_name,
                          const std::vector<FoundingMember>& members);

// `count` bytes drawn from `rng`.
std::string RandomBytes(Rng& rng, std::size_t count);

inline constexpr std::size_t kClusterIdBytes = 16;
std::string NewStoreId(Rng& rng);
std::string NewClusterId(Rng& rng);

// 32 bytes.
std::string Sha256(std::string_view text);

// "0a1b..." of any bytes.
std::string ToHex(std::string_view bytes);

// Makes `data_dir` when it is missing, else looks whether it is Seshat's.
// Errors: kFailedPrecondition: it holds something foreign (named); kIo: it cannot be made, read or
//         written.
Status CheckDataDirectory(const std::filesystem::path& data_dir);

// The identity to go on with: the one on disk, or a new one, not written yet, when there is none.
struct IdentityDecision {
  NodeIdentity identity;
  bool is_new = false;
};

// Errors: kFailedPrecondition when the directory is in quarantine, was left half done by an offline
//         command, belongs to another node, was prepared for another list of founding members, or
//         has lost its identity (`has_groups` says that the database holds Raft groups), or when
//         nothing says how to begin.
Result<IdentityDecision> DecideIdentity(const NodeConfig& config,
                                        const std::optional<NodeIdentity>& on_disk, bool has_groups,
                                        Rng& rng);

}  // namespace seshat

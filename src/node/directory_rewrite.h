// What `seshat snapshot restore` and `seshat recover` share: the groups of a directory become those
// of another cluster.
//
// IDENTITY says from the beginning to the end that the directory is half done, so that no node
// starts on it whatever happens in between; the same command again begins anew with what is there.
// Why the new cluster is another one: docs/adr/0017-restore-and-recovery.md.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/commands/applied_state.h"
#include "seshat/node/node_config.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/fatal.h"
#include "seshat/ports/metrics.h"
#include "seshat/ports/rng.h"
#include "seshat/service/cluster_state.h"
#include "seshat/storage/identity_file.h"
#include "seshat/storage/storage_engine.h"

namespace seshat {

inline constexpr std::string_view kRestoreCommand = "seshat snapshot restore";
inline constexpr std::string_view kRecoverCommand = "seshat recover";

struct OfflinePorts {
  Clock* clock = nullptr;
  Rng* rng = nullptr;
  FatalHandler* fatal = nullptr;
  Metrics* metrics = nullptr;
  rocksdb::Env* env = nullptr;  // null: RocksDB's own; tests put a faulty disk here
};

// A group's replica on its way into the new cluster.
struct MovingGroup {
  GroupId group;
  AppliedState applied;                       // as its rows say
  Term highest;                               // that they or its log know
  std::shared_ptr<IncomingState> state = {};  // in the place of what the engine holds
};

// Threads: owned by its user. Lifetime: the ports outlive it.
class DirectoryRewrite {
 public:
  // Opens the directory, which is made when missing, and marks its IDENTITY: `marked`, which says
  // what is unfinished, in the place of `expected`.
  // Errors: kFailedPrecondition: a running node has it, or has changed IDENTITY since `expected`
  //         was read; those of StorageEngine::Open.
  static Result<DirectoryRewrite> Begin(const std::filesystem::path& data_dir,
                                        const std::optional<NodeIdentity>& expected,
                                        NodeIdentity marked, const OfflinePorts& ports);

  StorageEngine& engine() { return *engine_; }

  // Gives the groups to `cluster`, its members their voters, and IDENTITY the cluster's id.
  // Pre:        every group of the engine is among them; `cluster` has this node as a member, with
  //             the marked store id or none.
  // Errors:     kIo.
  // Durability: all of it is synced at return.
  Status Finish(const ClusterState& cluster, std::vector<MovingGroup> groups);

 private:
  DirectoryRewrite(std::filesystem::path data_dir, NodeIdentity marked, const OfflinePorts& ports,
                   std::unique_ptr<StorageEngine> engine);

  std::filesystem::path data_dir_;
  NodeIdentity marked_;
  OfflinePorts ports_;
  std::unique_ptr<StorageEngine> engine_;
};

// Several findings in one message, each on a line of its own.
Error DamageError(const std::vector<std::string>& damage);

}  // namespace seshat

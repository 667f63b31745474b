// Service: from a client's request to its reply: look up, check, route, propose or read, answer.
//
// The node makes one, gives it to the TCP server as the factory of request handlers, and hands it
// the calls of other nodes. It owns no thread; it runs on the executors it is given. It knows
// neither RocksDB nor sockets.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/executor.h"
#include "seshat/ports/fatal.h"
#include "seshat/ports/metrics.h"
#include "seshat/ports/state_store.h"
#include "seshat/ports/transport.h"
#include "seshat/raft/group_registry.h"
#include "seshat/raft/snapshot_keeper.h"
#include "seshat/resp/connection.h"
#include "seshat/resp/reply.h"
#include "seshat/service/cluster_state.h"
#include "seshat/service/data_state_machine.h"

namespace seshat {

class ServiceCore;

enum class ReadMode {
  kLease,   // linearizable: by the leader's lease, else by a read index
  kQuorum,  // linearizable: always by a read index
  kStale,   // what this node has applied
};

struct ServiceOptions {
  NodeId node;
  std::string seshat_version;
  std::string run_id;    // 40 hex digits, new at each start: INFO's run_id
  std::string password;  // empty: none is asked for
  bool protected_mode = true;
  ReadMode read_mode = ReadMode::kLease;

  std::size_t clients_max = 10'000;
  std::size_t request_bytes_max = 64 << 20;
  std::size_t reply_bytes_max = 64 << 20;  // of the values in one reply
  std::size_t unauthenticated_request_bytes_max = 16 << 10;
  // Reading from a client pauses while it has more than this in flight.
  std::size_t connection_commands_max = 4096;
  std::size_t connection_bytes_max = 16 << 20;
  // Commands without a leader to go to: how long, and how many on this node.
  Duration leaderless_wait = std::chrono::seconds(5);
  std::size_t parked_commands_max = 1024;
  Duration request_timeout = std::chrono::seconds(30);
  Duration state_comparison_interval = std::chrono::seconds(60);
  std::size_t forward_bytes_max = 64 << 20;  // received from one peer and not yet answered

  // More parameters for CONFIG GET, such as {"dir", "/var/lib/seshat"}.
  std::vector<std::pair<std::string, std::string>> config_parameters;
};

// Lifetime: everything outlives the service, which outlives the executors' last task for it: stop
// the executors before destroying it.
struct ServicePorts {
  const Clock* clock = nullptr;
  const StateStore* store = nullptr;
  Transport* transport = nullptr;
  Metrics* metrics = nullptr;
  GroupRegistry* groups = nullptr;  // the system group, when registered, is found here
  ClusterStateSource* cluster = nullptr;
  SnapshotKeeper* snapshots = nullptr;  // null: BGSAVE and LASTSAVE are errors
  FatalHandler* fatal = nullptr;        // a keyspace that cannot be read stops the node
  std::vector<Executor*> read_pool;     // may block on the disk
  Executor* background = nullptr;       // may block: scans for what expires
  // A reason to refuse writes, such as a disk that is nearly full; called for every batch of
  // writes on any thread, so it must be cheap. May be empty.
  std::function<std::optional<std::string>()> write_refusal;
};

// Threads: thread-safe.
class Service final : public RequestHandlerFactory {
 public:
  Service(const ServiceOptions& options, const ServicePorts& ports);
  ~Service() override;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Serves a data group from now on: routes to it, and expires its keys while this node leads it.
  // Call once per group, before or after driver->Start().
  void AddDataGroup(GroupId group, std::shared_ptr<GroupDriver> driver,
                    std::shared_ptr<DataGroupInfo> info);

  // RequestHandlerFactory.
  std::unique_ptr<RequestHandler> Accept(const PeerAddress& peer, ReplySink& sink,
                                         Executor& executor, std::string& refusal) override;

  // Another node's commands for a group that this node may lead: PeerHandler::OnCall of kind
  // kForward.
  void OnCall(NodeId from, std::string request, UniqueFunction<void(std::string)> reply);

  // Brings a command (EncodeBootstrapCluster, EncodeRegisterNode) to the system group's leader,
  // here or in one hop. `done` gets the state machine's reply, which may be an error reply.
  // Errors: kUnavailable: not applied, try again; kOutcomeUnknown.
  void ProposeSystemCommand(std::string command, UniqueFunction<void(Result<Reply>)> done);

  // From now on commands that need a group are answered with "CLUSTERDOWN ...; not applied", and
  // expiry stops. Call before the groups are stopped; IsIdle() tells when what was in flight has
  // been answered.
  void StopAccepting();
  bool IsIdle() const;

 private:
  const std::unique_ptr<ServiceCore> core_;
};

}  // namespace seshat

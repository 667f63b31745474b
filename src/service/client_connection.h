// ClientConnection: the service's side of one client connection.
//
// Commands take effect and are answered strictly in order. What can be answered on the spot is,
// straight from the read buffer; the rest of the batch goes into one stage (stage.h), and what must
// wait behind that stage is copied and kept.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io_lane.h"
#include "owned_arguments.h"
#include "read_stage.h"
#include "seshat/commands/command_spec.h"
#include "seshat/resp/connection.h"
#include "session.h"
#include "stage.h"
#include "write_stage.h"

namespace seshat {

// Threads: owned by the connection's I/O executor.
class ClientConnection final : public RequestHandler, private StageOwner {
 public:
  ClientConnection(std::shared_ptr<ServiceContext> context, std::shared_ptr<IoLane> lane,
                   std::shared_ptr<ClientRecord> record, ReplySink& sink);
  ~ClientConnection() override;
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  void OnRequests(std::span<const Arguments> requests) override;
  void OnProtocolError(std::string_view error) override;
  void OnClosed() override;
  bool WantsMore() const override;
  std::size_t RequestBytesMax() const override;
  bool NeedsAuthentication() const override { return !session_.authenticated; }
  std::size_t InFlight() const override { return in_flight_; }

 private:
  // An answer that has left the service and is yet to be counted.
  struct Done {
    const CommandSpec* spec = nullptr;
    bool is_error = false;
    MonotonicTime started_at;
  };

  void OnStageDone() override;
  void BeginTurn();

  // Takes requests until one has to wait; returns how many were taken. Launches what they made.
  std::size_t TakeAll(std::span<const Arguments> requests);
  // False when the command has to wait for the stage.
  bool Take(Arguments arguments);
  bool TakeLocal(const CommandSpec& spec, Arguments arguments);
  bool TakeWrite(const CommandSpec& spec, Arguments arguments);
  bool TakeRead(const CommandSpec& spec, Arguments arguments);
  // Where a command that writes nothing belongs; null when it has been answered with an error.
  const ShardRoute* RouteUnlessRefused(const CommandSpec& spec, Arguments arguments);
  bool TakeLeader(const CommandSpec& spec, Arguments arguments);
  // Serves a read from memory under a lease. False when that is not possible: then `stage` has what
  // is known already.
  bool ReadOnTheSpot(const CommandSpec& spec, Arguments arguments, const ShardRoute& route);
  // A reply that is here already: it keeps its place behind the stage that is being made.
  void Answer(const CommandSpec* spec, Reply reply);

  StageSetup SetUpStage(const ShardRoute& route);
  void TakeBlocked();
  void Block(Arguments arguments);
  void Encode(const CommandSpec* spec, const Reply& reply, MonotonicTime started_at);
  void EncodeStage(const Stage& stage);
  void SendIfLong();
  // Sends what has been answered, and closes if that was the last.
  void Flush();

  const std::shared_ptr<ServiceContext> context_;
  const std::shared_ptr<IoLane> lane_;
  ReplySink& sink_;
  Session session_;

  std::shared_ptr<Stage> stage_;  // being made or in flight
  WriteStage* writes_ = nullptr;  // the stage being made, if it is one of writes
  ReadStage* reads_ = nullptr;    // likewise
  bool launched_ = false;
  std::deque<OwnedArguments> blocked_;  // behind the stage
  std::size_t blocked_bytes_ = 0;
  std::string protocol_error_;  // the last thing to answer

  std::string out_;
  std::vector<Done> done_;
  // As of the beginning of the current turn: routes found in it stay valid throughout.
  MonotonicTime now_;
  std::shared_ptr<const RoutingTable> table_;
  std::size_t in_flight_ = 0;
  bool closing_ = false;  // nothing is taken any more
  bool closed_ = false;
};

}  // namespace seshat

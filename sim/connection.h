// SimConnection: a client's connection to a node: commands one way, replies back.
//
// Bytes of one direction arrive in order, after a moment. It breaks when the node's process dies.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "scheduler.h"
#include "seshat/ports/executor.h"
#include "seshat/resp/connection.h"
#include "seshat/resp/reply_decoder.h"

namespace seshat {

using CommandText = std::vector<std::string>;  // the name first

// What a client hears. Threads: owned by the simulation's thread.
struct ConnectionListener {
  std::function<void(Reply reply)> on_reply;  // in the order of the commands
  std::function<void()> on_broken;            // once; nothing follows
};

// Has two ends: the client's, and the one in the process, which its node opens and closes.
// Threads: owned by the simulation's thread.
class SimConnection final : public ReplySink, public std::enable_shared_from_this<SimConnection> {
 public:
  SimConnection(SimScheduler& scheduler, ConnectionListener listener)
      : scheduler_(scheduler), listener_(std::move(listener)) {}

  // The client's end.
  void Send(std::vector<CommandText> commands);
  // Hangs up: the listener hears nothing more.
  void HangUp();

  // The process's end. `executor`: the node's I/O; gone after Break.
  void Open(RequestHandlerFactory& factory, Executor& executor);
  // The process dies, or hangs up.
  void Break();

  // ReplySink.
  void Send(std::string bytes) override;
  void CloseAfterFlush() override { Break(); }
  void ResumeReading() override {}

 private:
  SimTime NextArrival(SimTime& last);
  void Deliver(const std::vector<CommandText>& commands);
  void Receive(const std::string& bytes);
  void Close();

  SimScheduler& scheduler_;
  ConnectionListener listener_;
  RespDecoder decoder_;
  SimTime last_to_node_{0};
  SimTime last_to_client_{0};
  Executor* executor_ = nullptr;
  std::unique_ptr<RequestHandler> handler_;
};

}  // namespace seshat

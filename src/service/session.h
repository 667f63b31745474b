// Session: what a connection's commands about itself may change.
#pragma once

#include <memory>

#include "client_registry.h"
#include "service_context.h"
#include "seshat/resp/request.h"

namespace seshat {

// Threads: owned by the connection's I/O executor.
struct Session {
  std::shared_ptr<ServiceContext> context;
  std::shared_ptr<ClientRecord> record;
  RespVersion version = RespVersion::kResp2;
  bool authenticated = false;
  bool close_after_reply = false;
};

}  // namespace seshat

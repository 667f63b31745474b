// AdminServer: the HTTP door for operators and their tools.
//
//   GET /live /ready /health   200, or 503 with {"status":"not ...","reasons":[...]}
//   GET /metrics               Prometheus text
//   GET /status                StatusReport as JSON
//   POST /leader/transfer?group=G&to=N   TransferAnswer as JSON; 200 only when N leads now
//   POST /snapshot                       SnapshotAnswer as JSON; 200 only when it is kept
//   POST /node/add?node=N&internal_addr=H:P   MemberAnswer as JSON; 200 only when N may join now
//   POST /node/remove?node=N                  MemberAnswer as JSON; 200 only when N is to leave
// It carries no authentication: it binds to loopback unless told otherwise.
//
// Loopback does not keep out the operator's own browser: any page it shows may send a POST here.
// A page of another origin cannot add a header of its own without asking first, which nothing here
// allows; and with each POST a browser names the page's origin, also where a name was made to point
// here (DNS rebinding). So a POST must carry kAdminRequestHeader, and may not carry Origin.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "seshat/admin/health_source.h"
#include "seshat/admin/leadership_control.h"
#include "seshat/admin/member_control.h"
#include "seshat/admin/snapshot_control.h"
#include "seshat/base/error.h"

namespace seshat {

struct AdminServerOptions {
  std::string address = "127.0.0.1:9090";  // port 0: any free one
  // Requests served at a time; others wait. A transfer, a snapshot and a change of members leave
  // one for health.
  int threads = 4;
  int request_bytes_max = 8 * 1024;  // line and headers together; more gets a 4xx
  int request_timeout_ms = 5'000;    // for a client to finish sending its request
};

// Whom it asks. Lifetime: all outlive the server.
struct AdminHandlers {
  const HealthSource& health;
  LeadershipControl& leadership;
  SnapshotControl& snapshots;
  MemberControl& members;
  std::function<std::string()> render_metrics;  // called on admin threads
};

// Threads: thread-safe.
class AdminServer {
 public:
  // Listens and serves until destroyed.
  // Errors:   kInvalidArgument: the address; kIo: it cannot be bound (the message names it and
  //           says why, for instance that it is in use).
  static Result<std::unique_ptr<AdminServer>> Start(const AdminServerOptions& options,
                                                    AdminHandlers handlers);
  // Waits for requests being served.
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // The port really bound.
  std::uint16_t port() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  explicit AdminServer(std::unique_ptr<Impl> impl);
};

}  // namespace seshat

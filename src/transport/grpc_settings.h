// How gRPC is set up, on both ends: one place for credentials, limits and keepalive.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "seshat/transport/transport_options.h"

namespace seshat {

// A channel to `address` that shares nothing with any other: its own connection, its own name
// look-up, no back-off left over from the attempt before.
std::shared_ptr<grpc::Channel> MakeChannel(const TransportOptions& options,
                                           const std::string& address);

// Listens on options.listen_address; `port` is set to what was bound when it returns from
// BuildAndStart, or stays 0.
void ConfigureServer(const TransportOptions& options, grpc::ServerBuilder& builder, int& port);

}  // namespace seshat

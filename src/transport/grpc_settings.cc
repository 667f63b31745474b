#include "grpc_settings.h"

#include <grpc/grpc.h>

#include "transport_context.h"

namespace seshat {
namespace {

// Enough for two full frames on their way before the reader has to say that it took the first.
constexpr int kReadAheadFrames = 2;
// A connection carries three streams; anything near this is not one of ours.
constexpr int kStreamsPerConnectionMax = 16;

int Millis(Duration span) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(span).count());
}

int MessageBytesMax(const TransportOptions& options) {
  return static_cast<int>(options.frame_bytes_max + kMessageSlackBytes);
}

int ReadAheadBytes(const TransportOptions& options) {
  return kReadAheadFrames * MessageBytesMax(options);
}

// The one place where the connection's protection is chosen: the handshake's proofs authenticate
// the peer over these, mutual TLS is to come here (docs/adr/0009-peer-streams.md).
std::shared_ptr<grpc::ChannelCredentials> DialerCredentials() {
  return grpc::InsecureChannelCredentials();
}
std::shared_ptr<grpc::ServerCredentials> AcceptorCredentials() {
  return grpc::InsecureServerCredentials();
}

}  // namespace

std::shared_ptr<grpc::Channel> MakeChannel(const TransportOptions& options,
                                           const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Millis(options.keepalive_interval));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Millis(options.keepalive_timeout));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, ReadAheadBytes(options));
  arguments.SetMaxReceiveMessageSize(MessageBytesMax(options));
  return grpc::CreateCustomChannel(address, DialerCredentials(), arguments);
}

void ConfigureServer(const TransportOptions& options, grpc::ServerBuilder& builder, int& port) {
  builder.AddListeningPort(options.listen_address, AcceptorCredentials(), &port);
  // Two nodes on one port would otherwise share its connections silently.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Millis(options.keepalive_interval));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Millis(options.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Peers probe every second by design; gRPC would take that for abuse and hang up.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 100);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, ReadAheadBytes(options));
  builder.SetMaxReceiveMessageSize(MessageBytesMax(options));
}

}  // namespace seshat

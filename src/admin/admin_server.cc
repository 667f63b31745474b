#include "seshat/admin/admin_server.h"

#include <civetweb.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "seshat/admin/admin_client.h"
#include "seshat/admin/group_names.h"

namespace seshat {
namespace {

struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string_view allow;  // 405: the methods that the path has
};

constexpr std::string_view kReadMethods = "GET, HEAD";
constexpr std::string_view kTransferPath = "/leader/transfer";
constexpr std::string_view kSnapshotPath = "/snapshot";
constexpr std::string_view kAddPath = "/node/add";
constexpr std::string_view kRemovePath = "/node/remove";
constexpr std::string_view kChangePaths[] = {kTransferPath, kSnapshotPath, kAddPath, kRemovePath};

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Payload Too Large";
    case 421:
      return "Misdirected Request";
    default:
      return "Service Unavailable";
  }
}

HttpAnswer FromHealth(std::string_view good, const HealthAnswer& answer) {
  const nlohmann::ordered_json body = {
      {"status", answer.IsGood() ? std::string(good) : fmt::format("not {}", good)},
      {"reasons", answer.reasons}};
  return {answer.IsGood() ? 200 : 503,
          "application/json",
          body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n",
          {}};
}

HttpAnswer Problem(int status, std::string_view text) {
  const nlohmann::ordered_json body = {{"error", std::string(text)}};
  return {status,
          "application/json",
          body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n",
          {}};
}

HttpAnswer OtherMethods(std::string_view allowed) {
  HttpAnswer answer = Problem(405, fmt::format("allowed: {}", allowed));
  answer.allow = allowed;
  return answer;
}

int StatusOf(TransferAnswer::Outcome outcome) {
  switch (outcome) {
    case TransferAnswer::Outcome::kDone:
      return 200;
    case TransferAnswer::Outcome::kNotLeader:
      return 421;
    case TransferAnswer::Outcome::kRefused:
      return 409;
    case TransferAnswer::Outcome::kFailed:
      break;
  }
  return 503;
}

int StatusOf(SnapshotAnswer::Outcome outcome) {
  switch (outcome) {
    case SnapshotAnswer::Outcome::kDone:
      return 200;
    case SnapshotAnswer::Outcome::kRefused:
      return 409;
    case SnapshotAnswer::Outcome::kFailed:
      break;
  }
  return 503;
}

int StatusOf(MemberAnswer::Outcome outcome) {
  switch (outcome) {
    case MemberAnswer::Outcome::kDone:
      return 200;
    case MemberAnswer::Outcome::kTryAgain:
    case MemberAnswer::Outcome::kRefused:
      return 409;
    case MemberAnswer::Outcome::kFailed:
    case MemberAnswer::Outcome::kUnknown:
      break;
  }
  return 503;
}

// Why the POST is refused: only what no page in a browser can send is served (admin_server.h).
std::optional<HttpAnswer> RefusePost(const mg_connection* connection) {
  if (mg_get_header(connection, kAdminRequestHeader) == nullptr) {
    return Problem(403, fmt::format("a request that changes something must carry the header "
                                    "\"{}: 1\"",
                                    kAdminRequestHeader));
  }
  if (mg_get_header(connection, "Origin") != nullptr) {
    return Problem(403, "no page in a browser may ask for this");
  }
  return std::nullopt;
}

// The parameter's value; nothing when the request does not have it.
std::optional<std::string> Parameter(const mg_request_info& request, const char* name) {
  const std::string_view query = request.query_string == nullptr ? "" : request.query_string;
  char value[256];
  const int length = mg_get_var(query.data(), query.size(), name, value, sizeof value);
  if (length == -1) return std::nullopt;
  return length < 0 ? "?" : std::string(value, static_cast<std::size_t>(length));
}

// 0, which is no node, for everything else.
std::uint64_t ParseNodeNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

}  // namespace

// Threads: immutable after Start; civetweb's threads call Serve.
class AdminServer::Impl {
 public:
  explicit Impl(AdminHandlers handlers) : handlers_(std::move(handlers)) {}
  ~Impl() {
    if (context_ != nullptr) StopListening();
    mg_exit_library();
  }

  Status Listen(const AdminServerOptions& options);
  void StopListening();
  std::uint16_t port() const { return port_; }

 private:
  static int OnLogLine(const mg_connection* connection, const char* message);
  static int OnRequest(mg_connection* connection, void* self);
  HttpAnswer Serve(const mg_connection* connection) const;
  HttpAnswer ServePage(std::string_view path) const;
  HttpAnswer ServePost(const mg_connection* connection, std::string_view path) const;
  HttpAnswer ServeTransfer(const mg_request_info& request) const;
  HttpAnswer ServeMemberChange(const mg_request_info& request, std::string_view path) const;

  const AdminHandlers handlers_;
  mg_context* context_ = nullptr;
  std::uint16_t port_ = 0;
  std::string own_address_;  // with the port really bound
  std::string start_problem_;
};

// civetweb says why it cannot start only here, the cause first; what single clients do wrong is of
// no interest.
int AdminServer::Impl::OnLogLine(const mg_connection* connection, const char* message) {
  Impl* const self = static_cast<Impl*>(mg_get_user_data(mg_get_context(connection)));
  if (self->context_ == nullptr && self->start_problem_.empty()) self->start_problem_ = message;
  return 1;  // nothing for civetweb to print
}

Status AdminServer::Impl::Listen(const AdminServerOptions& options) {
  mg_init_library(0);
  const std::string threads = std::to_string(options.threads);
  const std::string request_bytes_max = std::to_string(options.request_bytes_max);
  const std::string timeout = std::to_string(options.request_timeout_ms);
  const char* settings[] = {"listening_ports",
                            options.address.c_str(),
                            "num_threads",
                            threads.c_str(),
                            "max_request_size",
                            request_bytes_max.c_str(),
                            "request_timeout_ms",
                            timeout.c_str(),
                            "enable_keep_alive",
                            "no",
                            nullptr};
  mg_callbacks callbacks{};
  callbacks.log_message = &OnLogLine;
  mg_context* const context = mg_start(&callbacks, this, settings);
  if (context == nullptr) {
    return MakeError(ErrorCode::kIo, fmt::format("admin endpoint cannot listen on {}: {}",
                                                 options.address, start_problem_));
  }
  context_ = context;
  mg_server_port bound{};
  if (mg_get_server_ports(context_, 1, &bound) == 1) {
    port_ = static_cast<std::uint16_t>(bound.port);
  }
  own_address_ = fmt::format("{}:{}", options.address.substr(0, options.address.rfind(':')), port_);
  mg_set_request_handler(context_, "/", &Impl::OnRequest, this);
  return {};
}

// civetweb's acceptor looks for the stop only between two polls of 2 s: knock until it has seen it.
void AdminServer::Impl::StopListening() {
  std::atomic<bool> stopped{false};
  std::thread stopper([this, &stopped] {
    mg_stop(context_);
    stopped = true;
  });
  while (!stopped) {
    [[maybe_unused]] const auto answer =
        AdminGet(own_address_, "/live", std::chrono::milliseconds(20));
  }
  stopper.join();
}

int AdminServer::Impl::OnRequest(mg_connection* connection, void* self) {
  const mg_request_info& request = *mg_get_request_info(connection);
  const HttpAnswer answer = static_cast<const Impl*>(self)->Serve(connection);
  const bool head_only = std::string_view(request.request_method) == "HEAD";
  const std::string response = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "{}Connection: close\r\n\r\n{}",
      answer.status, ReasonPhrase(answer.status), answer.content_type, answer.body.size(),
      answer.allow.empty() ? "" : fmt::format("Allow: {}\r\n", answer.allow),
      head_only ? "" : answer.body);
  mg_write(connection, response.data(), response.size());
  return answer.status;
}

HttpAnswer AdminServer::Impl::Serve(const mg_connection* connection) const {
  const mg_request_info& request = *mg_get_request_info(connection);
  const std::string_view method = request.request_method;
  const std::string_view path = request.local_uri;
  const bool is_change = std::ranges::count(kChangePaths, path) > 0;
  if (is_change && method != "POST") return OtherMethods("POST");
  if (!is_change && method != "GET" && method != "HEAD") return OtherMethods(kReadMethods);
  if (request.content_length > 0) return Problem(413, "no request here takes a body");
  return is_change ? ServePost(connection, path) : ServePage(path);
}

HttpAnswer AdminServer::Impl::ServePost(const mg_connection* connection,
                                        std::string_view path) const {
  if (std::optional<HttpAnswer> refusal = RefusePost(connection)) return *std::move(refusal);
  const mg_request_info& request = *mg_get_request_info(connection);
  if (path == kTransferPath) return ServeTransfer(request);
  if (path == kAddPath || path == kRemovePath) return ServeMemberChange(request, path);
  const SnapshotAnswer answer = handlers_.snapshots.Create();
  return {StatusOf(answer.outcome), "application/json", ToJson(answer), {}};
}

HttpAnswer AdminServer::Impl::ServeTransfer(const mg_request_info& request) const {
  const std::optional<std::string> group_text = Parameter(request, "group");
  const std::optional<GroupId> group =
      group_text.has_value() ? ParseGroupName(*group_text) : std::nullopt;
  if (!group.has_value()) return Problem(400, "group: allowed: data, system, or a group's number");
  const std::optional<std::string> to = Parameter(request, "to");
  const NodeId node = to.has_value() ? NodeId(ParseNodeNumber(*to)) : kNoNode;
  if (to.has_value() && node == kNoNode) {
    return Problem(400, "to: allowed: a node's number, or leave it out");
  }
  const TransferAnswer answer = handlers_.leadership.Transfer(*group, node);
  return {StatusOf(answer.outcome), "application/json", ToJson(answer), {}};
}

HttpAnswer AdminServer::Impl::ServeMemberChange(const mg_request_info& request,
                                                std::string_view path) const {
  const NodeId node(ParseNodeNumber(Parameter(request, "node").value_or("")));
  if (node == kNoNode) return Problem(400, "node: allowed: a node's number, 1 and above");
  const MemberAnswer answer =
      path == kRemovePath
          ? handlers_.members.Remove(node)
          : handlers_.members.Add(node, Parameter(request, "internal_addr").value_or(""));
  return {StatusOf(answer.outcome), "application/json", ToJson(answer), {}};
}

HttpAnswer AdminServer::Impl::ServePage(std::string_view path) const {
  if (path == "/live") return FromHealth("live", handlers_.health.GetLiveness());
  if (path == "/ready") return FromHealth("ready", handlers_.health.GetReadiness());
  if (path == "/health") return FromHealth("healthy", handlers_.health.GetHealth());
  if (path == "/status") return {200, "application/json", ToJson(handlers_.health.GetStatus()), {}};
  if (path == "/metrics") return {200, "text/plain; version=0.0.4", handlers_.render_metrics(), {}};
  return Problem(404,
                 "allowed: /live, /ready, /health, /metrics, /status, /leader/transfer, /snapshot, "
                 "/node/add, /node/remove");
}

AdminServer::AdminServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminServer::~AdminServer() = default;

Result<std::unique_ptr<AdminServer>> AdminServer::Start(const AdminServerOptions& options,
                                                        AdminHandlers handlers) {
  auto impl = std::make_unique<Impl>(std::move(handlers));
  if (Status listening = impl->Listen(options); !listening) {
    return std::unexpected(listening.error());
  }
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

std::uint16_t AdminServer::port() const {
  return impl_->port();
}

}  // namespace seshat

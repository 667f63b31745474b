#include "forward_envelope.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "seshat/v1/forward.pb.h"

namespace seshat {
namespace {

constexpr std::uint32_t kVersion = 1;

Status CheckVersion(std::string_view what, bool decoded, std::uint32_t version) {
  if (!decoded || version == 0) {
    return MakeError(ErrorCode::kCorruption, std::string(what) + " does not decode");
  }
  if (version > kVersion) {
    return MakeError(ErrorCode::kFailedPrecondition, std::string(what) + " is of version " +
                                                         std::to_string(version) +
                                                         ", newer than this node's");
  }
  return {};
}

}  // namespace

std::string EncodeForwardRequest(const ForwardRequest& request) {
  v1::ForwardRequest message;
  message.set_version(kVersion);
  message.set_group_id(request.group.value());
  for (const std::vector<std::string>& command : request.commands) {
    v1::ForwardedCommand& out = *message.add_commands();
    for (const std::string& argument : command) out.add_arguments(argument);
  }
  message.set_resp_version(static_cast<std::uint32_t>(request.version));
  message.set_user(request.user);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(request.time_left);
  message.set_deadline_ms(static_cast<std::uint64_t>(std::max<std::int64_t>(0, left.count())));
  message.set_request_id(request.request_id);
  return message.SerializeAsString();
}

std::string EncodeForwardReply(const ForwardReply& reply) {
  v1::ForwardReply message;
  message.set_version(kVersion);
  switch (reply.status) {
    case ForwardReply::Status::kDone:
      message.set_status(v1::FORWARD_STATUS_DONE);
      break;
    case ForwardReply::Status::kNotLeader:
      message.set_status(v1::FORWARD_STATUS_NOT_LEADER);
      break;
    case ForwardReply::Status::kRefused:
      message.set_status(v1::FORWARD_STATUS_REFUSED);
      break;
    case ForwardReply::Status::kBusy:
      message.set_status(v1::FORWARD_STATUS_BUSY);
      break;
  }
  message.set_leader_hint(reply.leader.value());
  for (const std::string& bytes : reply.replies) message.add_replies(bytes);
  message.set_message(reply.message);
  return message.SerializeAsString();
}

Result<ForwardRequest> DecodeForwardRequest(std::string_view bytes) {
  v1::ForwardRequest message;
  const bool decoded = message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (Status status = CheckVersion("forwarded request", decoded, message.version()); !status) {
    return std::unexpected(std::move(status).error());
  }
  if (message.resp_version() != 2 && message.resp_version() != 3) {
    return MakeError(ErrorCode::kCorruption,
                     "forwarded request: RESP version " + std::to_string(message.resp_version()));
  }
  ForwardRequest request{
      .group = GroupId(message.group_id()),
      .commands = {},
      .version = message.resp_version() == 3 ? RespVersion::kResp3 : RespVersion::kResp2,
      .user = message.user(),
      .time_left = std::chrono::milliseconds(message.deadline_ms()),
      .request_id = message.request_id()};
  for (v1::ForwardedCommand& command : *message.mutable_commands()) {
    if (command.arguments().empty()) {
      return MakeError(ErrorCode::kCorruption, "forwarded request: a command without a name");
    }
    auto& arguments = *command.mutable_arguments();
    request.commands.emplace_back(std::make_move_iterator(arguments.begin()),
                                  std::make_move_iterator(arguments.end()));
  }
  if (request.commands.empty()) {
    return MakeError(ErrorCode::kCorruption, "forwarded request: no commands");
  }
  return request;
}

Result<ForwardReply> DecodeForwardReply(std::string_view bytes) {
  v1::ForwardReply message;
  const bool decoded = message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (Status status = CheckVersion("forwarded reply", decoded, message.version()); !status) {
    return std::unexpected(std::move(status).error());
  }
  ForwardReply reply{.status = ForwardReply::Status::kDone,
                     .leader = NodeId(message.leader_hint()),
                     .replies = {std::make_move_iterator(message.mutable_replies()->begin()),
                                 std::make_move_iterator(message.mutable_replies()->end())},
                     .message = message.message()};
  switch (message.status()) {
    case v1::FORWARD_STATUS_DONE:
      return reply;
    case v1::FORWARD_STATUS_NOT_LEADER:
      reply.status = ForwardReply::Status::kNotLeader;
      return reply;
    case v1::FORWARD_STATUS_REFUSED:
      reply.status = ForwardReply::Status::kRefused;
      return reply;
    case v1::FORWARD_STATUS_BUSY:
      reply.status = ForwardReply::Status::kBusy;
      return reply;
    default:
      return MakeError(ErrorCode::kCorruption, "forwarded reply: unknown status");
  }
}

}  // namespace seshat

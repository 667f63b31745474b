#include "seshat/service/join_messages.h"

#include <cstdint>
#include <utility>

#include "cluster_records.h"
#include "seshat/v1/join.pb.h"

namespace seshat {
namespace {

constexpr std::uint32_t kVersion = 1;

template <typename Message>
Result<Message> Parse(std::string_view what, std::string_view bytes) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      message.version() == 0) {
    return MakeError(ErrorCode::kCorruption, std::string(what) + ": does not decode");
  }
  if (message.version() > kVersion) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     std::string(what) + ": of a newer version of Seshat");
  }
  return message;
}

}  // namespace

std::string EncodeJoinRequest(const ClusterMember& node) {
  v1::JoinRequest request;
  request.set_version(kVersion);
  *request.mutable_node() = ToProto(node);
  return request.SerializeAsString();
}

Result<ClusterMember> DecodeJoinRequest(std::string_view bytes) {
  Result<v1::JoinRequest> request = Parse<v1::JoinRequest>("join request", bytes);
  if (!request) return std::unexpected(std::move(request).error());
  return FromProto(request->node());
}

std::string EncodeJoinReply(const JoinReply& reply) {
  v1::JoinReply message;
  message.set_version(kVersion);
  message.set_refusal(reply.refusal);
  message.set_permanent(reply.is_permanent);
  message.set_cluster_id(reply.cluster_id);
  for (const ClusterMember& member : reply.members) *message.add_members() = ToProto(member);
  return message.SerializeAsString();
}

Result<JoinReply> DecodeJoinReply(std::string_view bytes) {
  Result<v1::JoinReply> message = Parse<v1::JoinReply>("join reply", bytes);
  if (!message) return std::unexpected(std::move(message).error());
  JoinReply reply{.refusal = message->refusal(),
                  .is_permanent = message->permanent(),
                  .cluster_id = message->cluster_id(),
                  .members = {}};
  for (const v1::NodeInfo& member : message->members()) reply.members.push_back(FromProto(member));
  if (reply.refusal.empty() && (reply.cluster_id.empty() || reply.members.empty())) {
    return MakeError(ErrorCode::kCorruption, "join reply: without a cluster or its members");
  }
  return reply;
}

}  // namespace seshat

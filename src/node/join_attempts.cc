#include "join_attempts.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace seshat {
namespace {

// More than a proposal takes while an election goes on.
constexpr Duration kAnswerMax = std::chrono::seconds(10);
constexpr Duration kPause = std::chrono::milliseconds(500);

}  // namespace

Result<std::optional<JoinReply>> JoinAttempts::Round(const ClusterMember& own) {
  if (refusal_) return std::unexpected(*refusal_);
  const MonotonicTime now = clock_.Now();
  if (reply_ || is_asking_ || now < not_before_) return reply_;
  is_asking_ = true;
  ask_(EncodeJoinRequest(own), now + kAnswerMax,
       [executor = &executor_, weak = std::weak_ptr(self_)](Result<std::string> answer) {
         executor->Post([weak, answer = std::move(answer)] {
           if (const auto self = weak.lock()) (*self)->OnAnswer(answer);
         });
       });
  return reply_;
}

void JoinAttempts::OnAnswer(const Result<std::string>& answer) {
  is_asking_ = false;
  not_before_ = clock_.Now() + kPause;
  bool is_permanent = false;
  if (!answer) {
    problem_ = answer.error().message();
    is_permanent = answer.error().code() == ErrorCode::kPermissionDenied;
  } else if (Result<JoinReply> reply = DecodeJoinReply(*answer); !reply) {
    problem_ = reply.error().message();
  } else if (reply->refusal.empty()) {
    reply_ = *std::move(reply);
  } else {
    problem_ = reply->refusal;
    is_permanent = reply->is_permanent;
  }
  if (!is_permanent) return;
  refusal_ = Error(ErrorCode::kFailedPrecondition,
                   fmt::format("join = \"{}\": this node may not join: {}", address_, problem_));
}

}  // namespace seshat

#include "connection.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <string_view>
#include <utility>

#include "seshat/base/check.h"

namespace seshat {

SimTime SimConnection::NextArrival(SimTime& last) {
  const Duration delay =
      scheduler_.Between(std::chrono::microseconds(20), std::chrono::microseconds(200));
  return last = std::max(last, scheduler_.now() + delay);
}

void SimConnection::Open(RequestHandlerFactory& factory, Executor& executor) {
  std::string refusal;
  handler_ = factory.Accept({"127.0.0.1:50000", "127.0.0.1:6379", true}, *this, executor, refusal);
  SESHAT_CHECK(handler_ != nullptr);
  executor_ = &executor;
}

void SimConnection::Send(std::vector<CommandText> commands) {
  scheduler_.At(NextArrival(last_to_node_),
                [weak = weak_from_this(), commands = std::move(commands)]() mutable {
                  const auto self = weak.lock();
                  if (!self || self->executor_ == nullptr) return;
                  // A frozen process reads it once it goes on.
                  self->executor_->Post([weak, commands = std::move(commands)] {
                    if (const auto reader = weak.lock()) reader->Deliver(commands);
                  });
                });
}

void SimConnection::Deliver(const std::vector<CommandText>& commands) {
  if (!handler_) return;
  std::vector<std::vector<std::string_view>> views;
  for (const CommandText& command : commands) views.emplace_back(command.begin(), command.end());
  const std::vector<Arguments> requests(views.begin(), views.end());
  handler_->OnRequests(requests);
}

void SimConnection::Send(std::string bytes) {
  scheduler_.At(NextArrival(last_to_client_), [weak = weak_from_this(), bytes = std::move(bytes)] {
    if (const auto self = weak.lock()) self->Receive(bytes);
  });
}

void SimConnection::Receive(const std::string& bytes) {
  decoder_.Feed(bytes);
  for (;;) {
    Result<std::optional<Reply>> reply = decoder_.Next();
    SESHAT_CHECK(reply.has_value());
    // A copy: hearing it, the client may hang up.
    const auto on_reply = listener_.on_reply;
    if (!reply->has_value() || !on_reply) return;
    on_reply(std::move(**reply));
  }
}

void SimConnection::HangUp() {
  listener_ = {};
  Close();
}

void SimConnection::Break() {
  Close();
  // Replies that have left already come first.
  scheduler_.At(NextArrival(last_to_client_), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && self->listener_.on_broken) std::exchange(self->listener_, {}).on_broken();
  });
}

void SimConnection::Close() {
  executor_ = nullptr;
  const auto handler = std::move(handler_);
  if (handler) handler->OnClosed();
}

}  // namespace seshat

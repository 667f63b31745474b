#include "expiry_probe.h"

#include <utility>

#include <fmt/format.h>

namespace seshat {

CommandText ExpiryProbe::NextCommand(Random& random, std::size_t client) {
  is_awaiting_reply_ = true;
  switch (step_) {
    case Step::kNone:
      key_ = fmt::format("expires:{}:{}", client, ++probes_);
      step_ = Step::kSetOld;
      return {"SET", key_, "old", "PX", fmt::to_string(1 + random.Below(40))};
    case Step::kSetOld:
      step_ = Step::kSetNew;
      return {"SET", key_, "new"};
    case Step::kSetNew:
      step_ = Step::kGet;
      return {"GET", key_};
    case Step::kGet:
      step_ = Step::kGetAgain;
      return {"GET", key_};
    case Step::kGetAgain:
    case Step::kDelete:
      step_ = Step::kDelete;
      return {"DEL", key_};
  }
  return {};
}

std::optional<std::string> ExpiryProbe::OnReply(const Reply& reply) {
  is_awaiting_reply_ = false;
  if (reply.IsError()) {
    GiveUp();
    return std::nullopt;
  }
  const bool is_get = step_ == Step::kGet || step_ == Step::kGetAgain;
  if (step_ == Step::kDelete) step_ = Step::kNone;
  if (!is_get || reply.text == "new") return std::nullopt;
  return fmt::format("GET {} answers {} after SET {} new", key_,
                     reply.type == Reply::Type::kNull ? "nil" : reply.text, key_);
}

void ExpiryProbe::GiveUp() {
  step_ = Step::kNone;
  is_awaiting_reply_ = false;
}

}  // namespace seshat

// JoinAttempts: how a node without a cluster gets into the one it is told of: asks one of its
// members, until it is let in or refused for good.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "seshat/base/error.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/executor.h"
#include "seshat/service/cluster_state.h"
#include "seshat/service/join_messages.h"

namespace seshat {

// Threads: owned by its executor.
class JoinAttempts {
 public:
  // As TcpTransport::AskToJoin, to the member.
  using Ask = std::function<void(std::string request, MonotonicTime deadline,
                                 UniqueFunction<void(Result<std::string>)> done)>;

  // Lifetime: executor and clock outlive it.
  JoinAttempts(std::string address, Ask ask, Executor& executor, const Clock& clock)
      : address_(std::move(address)), ask_(std::move(ask)), executor_(executor), clock_(clock) {}

  // Asks, when it is time to. Nothing until there is an answer; then what a member said.
  // Errors: kFailedPrecondition: refused for good. To be called many times a second.
  Result<std::optional<JoinReply>> Round(const ClusterMember& own);
  // Why it has not worked yet; empty at first.
  const std::string& problem() const { return problem_; }

 private:
  void OnAnswer(const Result<std::string>& answer);

  const std::string address_;
  const Ask ask_;
  Executor& executor_;
  const Clock& clock_;
  bool is_asking_ = false;
  MonotonicTime not_before_;
  std::optional<JoinReply> reply_;  // that lets this node in
  std::optional<Error> refusal_;    // for good
  std::string problem_;
  // An answer outlives the attempts at most as a word that nobody hears.
  const std::shared_ptr<JoinAttempts*> self_ = std::make_shared<JoinAttempts*>(this);
};

}  // namespace seshat

#include "read_audit.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace seshat {
namespace {

constexpr Duration kPauseMax = std::chrono::milliseconds(100);  // between questions to all nodes

}  // namespace

ReadAudit::ReadAudit(SimScheduler& scheduler, std::vector<SimNode*> nodes,
                     std::function<LogIndex()> highest_committed,
                     std::function<void(std::string)> fail)
    : scheduler_(scheduler),
      nodes_(std::move(nodes)),
      highest_committed_(std::move(highest_committed)),
      fail_(std::move(fail)) {}

void ReadAudit::Start() {
  scheduler_.After(scheduler_.Between(Duration(0), kPauseMax), [this] {
    AskAll();
    Start();
  });
}

void ReadAudit::AskAll() {
  CheckLeases();
  for (SimNode* node : nodes_) {
    if (node->is_running()) Ask(*node);
  }
}

void ReadAudit::Ask(SimNode& node) {
  const LogIndex asked_at = highest_committed_();
  node.driver().RequestRead([this, id = node.id(), asked_at](Result<ReadPermit> permit) {
    if (!permit || permit->applied >= asked_at) return;
    fail_(fmt::format("node {} would read at {} what was asked for when {} was committed",
                      id.value(), permit->applied.value(), asked_at.value()));
  });
}

void ReadAudit::OnLeader(Term term) {
  newest_term_ = std::max(newest_term_, term);
  CheckLeases();
}

void ReadAudit::CheckLeases() {
  for (SimNode* node : nodes_) {
    ReadPermit permit;
    if (!node->is_running() || !node->driver().TryLeaseRead(permit)) continue;
    if (permit.applied < highest_committed_()) {
      fail_(fmt::format("node {} would read at {} by its lease while {} is committed",
                        node->id().value(), permit.applied.value(), highest_committed_().value()));
    }
    const Term term(node->driver().view().term.load());
    if (term >= newest_term_) continue;
    fail_(fmt::format("node {} has a lease of term {} though there is a leader of term {}",
                      node->id().value(), term.value(), newest_term_.value()));
  }
}

}  // namespace seshat

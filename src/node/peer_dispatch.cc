#include "peer_dispatch.h"

#include <chrono>

#include "seshat/base/check.h"
#include "seshat/node/log.h"

namespace seshat {
namespace {

constexpr Duration kRepeatInterval = std::chrono::minutes(1);
// Refused strangers may bring any number of node ids.
constexpr std::size_t kRemembered = 256;

std::string_view TextOf(LinkEvent::Kind kind) {
  switch (kind) {
    case LinkEvent::Kind::kConnected:
      return "connected to a peer";
    case LinkEvent::Kind::kDisconnected:
      return "lost a peer";
    case LinkEvent::Kind::kDialFailed:
      return "cannot reach a peer";
    case LinkEvent::Kind::kRefusedInbound:
      return "refused a peer";
  }
  return "";
}

}  // namespace

void PeerDispatch::Connect(GroupRegistry& groups, Service& service) {
  groups_ = &groups;
  service_ = &service;
}

void PeerDispatch::ConnectSnapshots(SnapshotHandler handler) {
  SESHAT_CHECK(snapshots_ == nullptr);
  snapshot_handler_ = std::move(handler);
  snapshots_ = &snapshot_handler_;
}

void PeerDispatch::OnMessage(NodeId from, Channel /*channel*/, std::string payload) {
  GroupRegistry* const groups = groups_;
  if (groups == nullptr) return;
  if (Status dispatched = groups->Dispatch(from, payload); !dispatched) {
    Log(LogLevel::kWarn, "raft", "dropped a message: " + dispatched.error().message(),
        {{"peer", from.value()}});
  }
}

void PeerDispatch::OnCall(NodeId from, CallKind kind, std::string request, Reply reply) {
  switch (kind) {
    case CallKind::kForward:
      if (Service* const service = service_; service != nullptr) {
        service->OnCall(from, std::move(request), std::move(reply));
      }
      return;
    case CallKind::kSnapshot:
      if (SnapshotHandler* const serve = snapshots_; serve != nullptr) {
        (*serve)(from, std::move(request), std::move(reply));
      }
      return;
  }
}

void PeerDispatch::OnJoin(const PeerHello& from, const std::string& request, Reply reply) const {
  if (const JoinRequests* const joins = joins_; joins != nullptr) {
    joins->OnJoin(from, request, std::move(reply));
  }
}

void LinkLog::OnEvent(const LinkEvent& event) {
  {
    const MutexLock lock(mutex_);
    const MonotonicTime now = clock_.Now();
    if (last_.size() >= kRemembered) last_.clear();
    Last& last = last_[{event.peer, event.kind}];
    const bool is_repeated = !last.detail.empty() && last.detail == event.detail &&
                             event.kind != LinkEvent::Kind::kConnected &&
                             now - last.logged_at < kRepeatInterval;
    if (is_repeated) return;
    last = {event.detail, now};
  }
  const bool is_good = event.kind == LinkEvent::Kind::kConnected;
  Log(is_good ? LogLevel::kInfo : LogLevel::kWarn, "transport", TextOf(event.kind),
      {{"peer", event.peer.value()}, {"detail", event.detail}});
}

}  // namespace seshat

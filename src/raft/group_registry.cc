#include "seshat/raft/group_registry.h"

#include <map>

#include "message_codec.h"
#include "seshat/base/check.h"
#include "seshat/base/mutex.h"
#include "state_codec.h"

namespace seshat {

std::string InitialSnapshotRow(const Configuration& configuration, UnixMillis created_at) {
  SnapshotDescriptor snapshot;
  snapshot.configuration = configuration;
  return EncodeSnapshotMetadata(snapshot, created_at);
}

class GroupRegistry::Impl {
 public:
  mutable Mutex mutex;
  std::map<GroupId, std::shared_ptr<GroupDriver>> groups SESHAT_GUARDED_BY(mutex);
};

GroupRegistry::GroupRegistry() : impl_(std::make_unique<Impl>()) {}
GroupRegistry::~GroupRegistry() = default;

void GroupRegistry::Add(GroupId group, std::shared_ptr<GroupDriver> driver) {
  MutexLock lock(impl_->mutex);
  const bool is_new = impl_->groups.emplace(group, std::move(driver)).second;
  SESHAT_CHECK_MSG(is_new, "the group is registered already");
}

std::shared_ptr<GroupDriver> GroupRegistry::Find(GroupId group) const {
  MutexLock lock(impl_->mutex);
  const auto it = impl_->groups.find(group);
  return it == impl_->groups.end() ? nullptr : it->second;
}

std::vector<std::pair<GroupId, std::shared_ptr<GroupDriver>>> GroupRegistry::All() const {
  MutexLock lock(impl_->mutex);
  return {impl_->groups.begin(), impl_->groups.end()};
}

Status GroupRegistry::Dispatch(NodeId from, const std::string& payload) {
  Result<std::vector<GroupMessage>> messages = DecodeMessageBatch(payload);
  if (!messages) {
    return MakeError(ErrorCode::kInvalidArgument, std::move(messages).error().message());
  }
  for (const GroupMessage& item : *messages) {
    if (item.message.from != from) {
      return MakeError(ErrorCode::kInvalidArgument, "a message claims another sender");
    }
  }
  std::map<GroupId, std::vector<Message>> by_group;
  for (GroupMessage& item : *messages) by_group[item.group].push_back(std::move(item.message));
  for (auto& [group, its_messages] : by_group) {
    if (const auto driver = Find(group)) driver->OnMessages(std::move(its_messages));
  }
  return {};
}

void GroupRegistry::StopAll() {
  const auto groups = All();
  for (auto it = groups.rbegin(); it != groups.rend(); ++it) it->second->Stop();
}

}  // namespace seshat

#include "key_group.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "seshat/base/check.h"

namespace seshat {
namespace {

// Which keys hang together: a union-find forest over the keys in order of appearance.
class KeyForest {
 public:
  void Join(const KeyCommand& command) {
    for (const std::string& key : command.keys) {
      parents_[RootOf(IndexOf(key))] = RootOf(IndexOf(command.keys.front()));
    }
  }

  std::size_t RootOf(std::size_t index) const {
    while (parents_[index] != index) index = parents_[index];
    return index;
  }

  std::size_t IndexOf(const std::string& key) {
    const auto [it, is_new] = indices_.emplace(key, parents_.size());
    if (is_new) parents_.push_back(it->second);
    return it->second;
  }

 private:
  std::map<std::string, std::size_t> indices_;
  std::vector<std::size_t> parents_;
};

void CheckShape(const ClientOperation& operation) {
  const KeyCommand& command = operation.command;
  using Kind = KeyCommand::Kind;
  const bool is_many =
      command.kind == Kind::kDel || command.kind == Kind::kMGet || command.kind == Kind::kMSet;
  const std::size_t values = command.kind == Kind::kMSet ? command.keys.size()
                             : command.kind == Kind::kSet || command.kind == Kind::kAppend ? 1
                                                                                           : 0;
  SESHAT_CHECK_MSG(command.keys.size() == 1 || (is_many && !command.keys.empty()),
                   ToString(command));
  SESHAT_CHECK_MSG(command.values.size() == values, ToString(command));
  SESHAT_CHECK_MSG(!operation.returned || *operation.returned >= operation.called,
                   ToString(command));
}

// A value that an operation of unknown outcome writes, or appends, to one key.
struct UnknownValue {
  GroupOperation* operation = nullptr;
  std::string* value = nullptr;
};

// All that clients were told of one key's values.
struct ToldValues {
  std::set<std::string> shown;
  bool is_measured = false;  // answers give their size too
};

ToldValues ToldOf(std::uint8_t place, const std::vector<GroupOperation>& operations) {
  ToldValues told;
  for (const GroupOperation& operation : operations) {
    for (const KeyEvidence& evidence : operation.evidence) {
      if (evidence.place != place) continue;
      if (evidence.value) told.shown.insert(*evidence.value);
      if (evidence.size) told.is_measured = true;
    }
  }
  return told;
}

// A byte that no value shown has, and no number.
std::optional<char> FillerFor(const ToldValues& told) {
  std::array<bool, 256> is_used{};
  for (const std::string& shown : told.shown) {
    for (const char c : shown) is_used[static_cast<unsigned char>(c)] = true;
  }
  for (std::size_t byte = 0; byte < is_used.size(); ++byte) {
    const char c = static_cast<char>(byte);
    if (!is_used[byte] && !MayBecomeNumber({&c, 1})) return c;
  }
  return std::nullopt;
}

// Those of `values` that are part of a value shown.
std::set<std::string> Seen(const std::vector<UnknownValue>& values, const ToldValues& told) {
  std::unordered_set<std::string_view> written;
  std::set<std::size_t> sizes;
  for (const UnknownValue& each : values) {
    written.insert(*each.value);
    sizes.insert(each.value->size());
  }
  std::set<std::string> seen;
  for (const std::string_view shown : told.shown) {
    for (const std::size_t size : sizes) {
      for (std::size_t at = 0; at + size <= shown.size(); ++at) {
        const auto found = written.find(shown.substr(at, size));
        if (found != written.end()) seen.emplace(*found);
      }
    }
  }
  return seen;
}

// Values of operations with unknown outcomes that nobody ever saw differ in their sizes at most:
// with fillers in their place such operations are equal, and the search need not try each of them.
void ReplaceUnseenValues(std::uint8_t place, std::vector<GroupOperation>& operations) {
  const ToldValues told = ToldOf(place, operations);
  const std::optional<char> filler = FillerFor(told);
  std::vector<UnknownValue> values;
  for (GroupOperation& operation : operations) {
    if (!operation.is_unknown) continue;
    for (std::size_t i = 0; i < operation.command.values.size(); ++i) {
      if (operation.places[i] == place) {
        values.push_back({&operation, &operation.command.values[i]});
      }
    }
  }
  const std::set<std::string> seen = Seen(values, told);
  const auto bit = static_cast<std::uint8_t>(1U << place);
  for (const auto& [operation, value] : values) {
    // Of a key that a command names twice the last value counts.
    operation->unseen = static_cast<std::uint8_t>(operation->unseen & ~bit);
    if (!filler || seen.contains(*value) || MayBecomeNumber(*value)) continue;
    value->assign(told.is_measured ? value->size() : 1, *filler);
    if (!told.is_measured) operation->unseen = static_cast<std::uint8_t>(operation->unseen | bit);
  }
}

class GroupBuilder {
 public:
  void Add(const ClientOperation& source) {
    GroupOperation operation;
    operation.source = &source;
    operation.command = source.command;
    operation.is_unknown = !source.returned.has_value();
    for (const std::string& key : source.command.keys) {
      const auto [it, is_new] = places_.emplace(key, static_cast<std::uint8_t>(places_.size()));
      SESHAT_CHECK_MSG(it->second < kGroupKeysMax,
                       fmt::format("more than {} keys are touched together", kGroupKeysMax));
      operation.places.push_back(it->second);
      operation.keys = static_cast<std::uint8_t>(operation.keys | 1U << it->second);
    }
    if (operation.is_unknown && source.command.IsRead()) return;
    if (!operation.is_unknown) {
      operation.has_changed_nothing = HasChangedNothing(source.command, source.reply);
      operation.evidence = EvidenceOf(source.command, operation.places, source.reply);
    }
    const std::size_t index = group_.operations.size();
    group_.moments.push_back({source.called, false, index});
    if (source.returned) group_.moments.push_back({*source.returned, true, index});
    group_.operations.push_back(std::move(operation));
  }

  KeyGroup Build() {
    for (std::uint8_t place = 0; place < kGroupKeysMax; ++place) {
      ReplaceUnseenValues(place, group_.operations);
    }
    std::map<KeyCommand, std::size_t> sorts;
    for (GroupOperation& operation : group_.operations) {
      operation.sort = sorts.emplace(operation.command, sorts.size()).first->second;
    }
    std::sort(group_.moments.begin(), group_.moments.end(),
              [](const GroupMoment& a, const GroupMoment& b) {
                return std::tuple(a.when, a.is_return, a.operation) <
                       std::tuple(b.when, b.is_return, b.operation);
              });
    return std::move(group_);
  }

 private:
  std::map<std::string, std::uint8_t> places_;
  KeyGroup group_;
};

}  // namespace

std::vector<KeyGroup> GroupByKeys(std::span<const ClientOperation> operations) {
  KeyForest forest;
  for (const ClientOperation& operation : operations) {
    CheckShape(operation);
    forest.Join(operation.command);
  }
  std::map<std::size_t, GroupBuilder> builders;
  for (const ClientOperation& operation : operations) {
    builders[forest.RootOf(forest.IndexOf(operation.command.keys.front()))].Add(operation);
  }
  std::vector<KeyGroup> groups;
  for (auto& [root, builder] : builders) groups.push_back(builder.Build());
  return groups;
}

}  // namespace seshat

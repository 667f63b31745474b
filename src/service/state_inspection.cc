#include "seshat/service/state_inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "cluster_records.h"
#include "seshat/base/slot.h"
#include "seshat/commands/command_table.h"
#include "seshat/commands/data_command.h"
#include "seshat/commands/key_layout.h"
#include "seshat/commands/row_digest.h"
#include "seshat/commands/stored_value.h"

namespace seshat {
namespace {

constexpr std::size_t kProblemsMax = 20;

// Threads: owned by its user.
class StateInspector {
 public:
  explicit StateInspector(GroupId group) : group_(group) {}

  void Visit(std::string_view key, std::string_view value) {
    if (key == kAppliedRowKey) return TakeApplied(value);
    if (group_ == kSystemGroup) return TakeSystemRow(key, value);
    if (key < data_rows_end_) return TakeDataRow(key, value);
    if (key < kExpiryRowsEnd) return TakeExpiryRow(key);
    AddProblem(fmt::format("row {}: of no kind that this version knows", PrintableKey(key)));
  }

  InspectedState Finish() {
    if (!has_applied_row_) CheckNothingApplied();
    if (group_ != kSystemGroup && state_.applied) CompareWithApplied();
    // Sums of hashes are equal exactly, but for chance, when the rows are the same ones.
    if (expiries_wanted_ != expiries_found_) {
      AddProblem("the expiry rows are not those that the values ask for");
    }
    if (untold_ > 0) Tell(fmt::format("{} more of this kind", untold_));
    state_.cluster_id = cluster_.cluster_id;
    return std::move(state_);
  }

 private:
  void Tell(std::string_view problem) {
    state_.problems.push_back(fmt::format("group {}: {}", group_.value(), problem));
  }
  void AddProblem(std::string_view problem) {
    if (state_.problems.size() < kProblemsMax) {
      Tell(problem);
    } else {
      ++untold_;
    }
  }

  void TakeApplied(std::string_view value) {
    has_applied_row_ = true;
    Result<AppliedState> applied = DecodeAppliedState(value);
    if (applied) {
      state_.applied = *applied;
    } else {
      AddProblem(applied.error().message());
    }
  }

  void TakeDataRow(std::string_view key, std::string_view value) {
    ++state_.key_count;
    state_.digest += HashRow(key, value);
    const Result<DataRow> row = ParseDataRowKey(key);
    if (!row) return AddProblem(row.error().message());
    const Result<ValueView> stored = DecodeValueView(key, value);
    if (!stored) return AddProblem(stored.error().message());
    if (!stored->expires_at) return;
    expiries_wanted_ += HashRow(ExpiryRowKey(row->slot, *stored->expires_at, row->user_key), "");
  }

  void TakeExpiryRow(std::string_view key) {
    if (const Result<ExpiryRow> row = ParseExpiryRowKey(key); !row) {
      AddProblem(row.error().message());
    }
    expiries_found_ += HashRow(key, "");
  }

  void TakeSystemRow(std::string_view key, std::string_view value) {
    ++state_.key_count;
    state_.digest += HashRow(key, value);
    Status decoded;
    if (key == kMembershipRowKey) {
      decoded = DecodeMembershipRow(value, cluster_);
    } else if (key == kShardMapRowKey) {
      decoded = DecodeShardMapRow(value, cluster_);
    } else if (key == kSettingsRowKey) {
      decoded = DecodeSettingsRow(value, cluster_);
    } else {
      return AddProblem(
          fmt::format("row {}: of no kind that this version knows", PrintableKey(key)));
    }
    if (!decoded) AddProblem(fmt::format("row {}: {}", key, decoded.error().message()));
  }

  // A group that has applied nothing has no row yet.
  void CheckNothingApplied() {
    state_.applied = AppliedState{};
    if (state_.key_count > 0) AddProblem("the row applied is missing");
  }

  void CompareWithApplied() {
    if (state_.applied->key_count != state_.key_count) {
      AddProblem(fmt::format("the row applied tells of {} keys, there are {}",
                             state_.applied->key_count, state_.key_count));
    }
    if (state_.applied->digest && *state_.applied->digest != state_.digest) {
      AddProblem(fmt::format("the row applied has the digest {:016x}, its keys come to {:016x}",
                             *state_.applied->digest, state_.digest));
    }
  }

  const GroupId group_;
  const std::string data_rows_end_ = ExpiryRowsBegin(Slot(0));
  InspectedState state_;
  ClusterState cluster_;
  bool has_applied_row_ = false;
  std::uint64_t expiries_wanted_ = 0;
  std::uint64_t expiries_found_ = 0;
  std::uint64_t untold_ = 0;
};

InspectedCommand ClientCommand(const std::vector<std::string_view>& arguments) {
  InspectedCommand inspected;
  inspected.name = std::string(arguments.front());
  std::ranges::transform(inspected.name, inspected.name.begin(), [](char letter) {
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  });
  inspected.arguments.assign(arguments.begin(), arguments.end());
  const std::expected<const CommandSpec*, Reply> spec = ResolveCommand(arguments);
  if (!spec) return inspected;  // of a newer version, perhaps: its keys are not known
  const CommandKeys keys = KeysOf(**spec, arguments);
  for (std::size_t i = 0; i < keys.size(); ++i) inspected.keys.emplace_back(keys[i]);
  return inspected;
}

Result<InspectedCommand> InspectDataCommand(std::string_view bytes) {
  DataCommand command;
  if (const Status decoded = DecodeDataCommand(bytes, command); !decoded) {
    return std::unexpected(decoded.error());
  }
  if (command.kind == DataCommand::Kind::kClient) return ClientCommand(command.arguments);
  InspectedCommand inspected;
  inspected.name = command.kind == DataCommand::Kind::kExpire ? "(expire)" : "(mark)";
  for (const ExpiringKey& key : command.expiring_keys) inspected.keys.emplace_back(key.key);
  return inspected;
}

Result<InspectedCommand> InspectSystemCommand(std::string_view bytes) {
  const Result<SystemCommand> command = DecodeSystemCommand(bytes);
  if (!command) return std::unexpected(command.error());
  constexpr std::string_view kNames[] = {"(bootstrap)", "(register)", "(report)"};
  return InspectedCommand{
      .name = std::string(kNames[command->index()]), .keys = {}, .arguments = {}};
}

}  // namespace

Result<InspectedState> InspectState(GroupId group, const StateView& view) {
  StateInspector inspector(group);
  const Status scanned = view.Scan("", kRowsEnd, [&](std::string_view key, std::string_view value) {
    inspector.Visit(key, value);
    return true;
  });
  if (!scanned) return std::unexpected(scanned.error());
  return inspector.Finish();
}

Result<InspectedCommand> InspectCommand(GroupId group, std::string_view bytes) {
  return group == kSystemGroup ? InspectSystemCommand(bytes) : InspectDataCommand(bytes);
}

}  // namespace seshat

#include "seshat/service/cluster_rows.h"

#include <string>
#include <string_view>
#include <utility>

#include "cluster_records.h"

namespace seshat {

Result<ClusterState> ReadClusterState(const StateView& system) {
  const std::pair<std::string_view, Status (*)(std::string_view, ClusterState&)> rows[] = {
      {kMembershipRowKey, DecodeMembershipRow},
      {kShardMapRowKey, DecodeShardMapRow},
      {kSettingsRowKey, DecodeSettingsRow},
  };
  ClusterState state;
  for (const auto& [key, decode] : rows) {
    const Result<Lookup> row = system.Get(key, ReadTier::kAnywhere);
    if (!row) return std::unexpected(row.error());
    if (row->outcome != Lookup::Outcome::kFound) continue;
    if (Status status = decode(row->value, state); !status) {
      return std::unexpected(std::move(status).error());
    }
  }
  return state;
}

std::vector<StateOp> ClusterRows(const ClusterState& state) {
  return {{.key = std::string(kMembershipRowKey), .value = EncodeMembershipRow(state)},
          {.key = std::string(kShardMapRowKey), .value = EncodeShardMapRow(state)},
          {.key = std::string(kSettingsRowKey), .value = EncodeSettingsRow(state)}};
}

}  // namespace seshat

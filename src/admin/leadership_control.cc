#include "seshat/admin/leadership_control.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "outcome_names.h"
#include "seshat/admin/group_names.h"

namespace seshat {
namespace {

using Json = nlohmann::ordered_json;
using Outcome = TransferAnswer::Outcome;

constexpr OutcomeNames<Outcome, 4> kOutcomes = {{
    {Outcome::kDone, "done"},
    {Outcome::kNotLeader, "not leader"},
    {Outcome::kRefused, "refused"},
    {Outcome::kFailed, "failed"},
}};

}  // namespace

std::string ToJson(const TransferAnswer& answer) {
  const Json json = {{"outcome", NameOf(kOutcomes, answer.outcome)},
                     {"group_id", answer.group.value()},
                     {"group", GroupName(answer.group)},
                     {"node_id", answer.node.value()},
                     {"leader", answer.leader.value()},
                     {"leader_admin_address", answer.leader_admin_address},
                     {"problem", answer.problem}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<TransferAnswer> ParseTransferAnswer(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    const Result<Outcome> outcome =
        ParseOutcome(kOutcomes, json.at("outcome").get<std::string>(), "a transfer");
    if (!outcome) return std::unexpected(outcome.error());
    TransferAnswer answer;
    answer.outcome = *outcome;
    answer.group = GroupId(json.at("group_id").get<std::uint64_t>());
    answer.node = NodeId(json.at("node_id").get<std::uint64_t>());
    answer.leader = NodeId(json.at("leader").get<std::uint64_t>());
    answer.leader_admin_address = json.at("leader_admin_address").get<std::string>();
    answer.problem = json.at("problem").get<std::string>();
    return answer;
  } catch (const nlohmann::json::exception& error) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("not an answer to a transfer: {}", error.what()));
  }
}

}  // namespace seshat

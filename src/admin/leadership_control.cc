#include "seshat/admin/leadership_control.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "seshat/admin/group_names.h"

namespace seshat {
namespace {

using Json = nlohmann::ordered_json;
using Outcome = TransferAnswer::Outcome;

constexpr std::array<std::pair<Outcome, std::string_view>, 4> kOutcomes = {{
    {Outcome::kDone, "done"},
    {Outcome::kNotLeader, "not leader"},
    {Outcome::kRefused, "refused"},
    {Outcome::kFailed, "failed"},
}};

std::string_view TextOf(Outcome outcome) {
  for (const auto& [each, text] : kOutcomes) {
    if (each == outcome) return text;
  }
  return "";
}

Result<Outcome> OutcomeFrom(const std::string& text) {
  for (const auto& [outcome, each] : kOutcomes) {
    if (each == text) return outcome;
  }
  return MakeError(ErrorCode::kInvalidArgument,
                   fmt::format("not an answer to a transfer: outcome \"{}\"", text));
}

}  // namespace

std::string ToJson(const TransferAnswer& answer) {
  const Json json = {
      {"outcome", TextOf(answer.outcome)}, {"group_id", answer.group.value()},
      {"group", GroupName(answer.group)},  {"node_id", answer.node.value()},
      {"leader", answer.leader.value()},   {"leader_admin_address", answer.leader_admin_address},
      {"problem", answer.problem}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<TransferAnswer> ParseTransferAnswer(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    const Result<Outcome> outcome = OutcomeFrom(json.at("outcome").get<std::string>());
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

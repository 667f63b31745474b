#include "seshat/admin/member_control.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "outcome_names.h"

namespace seshat {
namespace {

using Json = nlohmann::ordered_json;
using Outcome = MemberAnswer::Outcome;

constexpr OutcomeNames<Outcome, 5> kOutcomes = {{
    {Outcome::kDone, "done"},
    {Outcome::kTryAgain, "try again"},
    {Outcome::kRefused, "refused"},
    {Outcome::kFailed, "failed"},
    {Outcome::kUnknown, "unknown"},
}};

}  // namespace

std::string ToJson(const MemberAnswer& answer) {
  const Json json = {{"outcome", NameOf(kOutcomes, answer.outcome)},
                     {"node_id", answer.node.value()},
                     {"problem", answer.problem}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<MemberAnswer> ParseMemberAnswer(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    const Result<Outcome> outcome =
        ParseOutcome(kOutcomes, json.at("outcome").get<std::string>(), "a change of members");
    if (!outcome) return std::unexpected(outcome.error());
    return MemberAnswer{.outcome = *outcome,
                        .node = NodeId(json.at("node_id").get<std::uint64_t>()),
                        .problem = json.at("problem").get<std::string>()};
  } catch (const nlohmann::json::exception& error) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("not an answer to a change of members: {}", error.what()));
  }
}

}  // namespace seshat

#include "seshat/admin/snapshot_control.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "outcome_names.h"

namespace seshat {
namespace {

using Json = nlohmann::ordered_json;
using Outcome = SnapshotAnswer::Outcome;

constexpr OutcomeNames<Outcome, 3> kOutcomes = {{
    {Outcome::kDone, "done"},
    {Outcome::kRefused, "refused"},
    {Outcome::kFailed, "failed"},
}};

}  // namespace

std::string ToJson(const SnapshotAnswer& answer) {
  const Json json = {{"outcome", NameOf(kOutcomes, answer.outcome)},
                     {"node_id", answer.node.value()},
                     {"name", answer.name},
                     {"size_bytes", answer.size_bytes},
                     {"took_ms", answer.took_ms},
                     {"problem", answer.problem}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<SnapshotAnswer> ParseSnapshotAnswer(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    const Result<Outcome> outcome =
        ParseOutcome(kOutcomes, json.at("outcome").get<std::string>(), "a snapshot");
    if (!outcome) return std::unexpected(outcome.error());
    SnapshotAnswer answer;
    answer.outcome = *outcome;
    answer.node = NodeId(json.at("node_id").get<std::uint64_t>());
    answer.name = json.at("name").get<std::string>();
    answer.size_bytes = json.at("size_bytes").get<std::uint64_t>();
    answer.took_ms = json.at("took_ms").get<std::uint64_t>();
    answer.problem = json.at("problem").get<std::string>();
    return answer;
  } catch (const nlohmann::json::exception& error) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("not an answer to a snapshot: {}", error.what()));
  }
}

}  // namespace seshat

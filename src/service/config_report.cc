#include "config_report.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "seshat/commands/glob_pattern.h"

namespace seshat {
namespace {

// What Redis calls them, and what is true here: nothing is evicted, every write is on the disks of
// a majority, and there is one database.
std::map<std::string, std::string> Parameters(const ServiceContext& context) {
  const ServiceOptions& options = context.options;
  const ReplicatedLimits limits = context.ports.cluster->Get()->limits;
  std::map<std::string, std::string> parameters{
      {"appendfsync", "always"},
      {"appendonly", "yes"},
      {"cluster-enabled", "yes"},
      {"databases", "1"},
      {"maxclients", std::to_string(options.clients_max)},
      {"maxmemory", "0"},
      {"maxmemory-policy", "noeviction"},
      {"proto-max-bulk-len", std::to_string(limits.value_bytes_max)},
      {"protected-mode", options.protected_mode ? "yes" : "no"},
      // Whether there is one may be known; the password itself is not given away.
      {"requirepass", options.password.empty() ? "" : "(hidden)"},
      {"save", ""},
      {"slave-read-only", "no"},
      {"replica-read-only", "no"},
      {"timeout", "0"},
  };
  for (const auto& [name, value] : options.config_parameters) {
    parameters.insert_or_assign(name, value);
  }
  return parameters;
}

}  // namespace

Reply ExecuteConfigGet(Arguments arguments, const ServiceContext& context) {
  std::vector<Reply> found;
  for (const auto& [name, value] : Parameters(context)) {
    for (std::string_view pattern : arguments.subspan(2)) {
      if (!MatchesGlob(pattern, name, LetterCase::kIgnored)) continue;
      found.push_back(Reply::Bulk(name));
      found.push_back(Reply::Bulk(value));
      break;
    }
  }
  return Reply::Map(std::move(found));
}

}  // namespace seshat

#include "seshat/node/node_config.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "config_check.h"
#include "config_values.h"

namespace seshat {
namespace {

std::unexpected<Error> Invalid(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, std::move(message));
}

// A value and the name it was given under, for messages.
struct GivenValue {
  std::string text;
  std::string origin;  // "--data-dir", "SESHAT_DATA_DIR", "seshat.toml"
};
using GivenValues = std::map<std::string_view, GivenValue>;  // by TOML key

const ConfigField* FindField(std::string_view name, std::string_view ConfigField::* member) {
  for (const ConfigField& field : ConfigFields()) {
    if (!name.empty() && field.*member == name) return &field;
  }
  return nullptr;
}

// A TOML value as a flag would have it. Lists are joined by commas.
Result<std::string> TextOf(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* truth = node.as_boolean()) return std::string(truth->get() ? "yes" : "no");
  if (const auto* list = node.as_array()) {
    std::string joined;
    for (const toml::node& item : *list) {
      if (!item.is_string()) break;
      joined += (joined.empty() ? "" : ",") + item.as_string()->get();
    }
    if (!joined.empty()) return joined;
  }
  return Invalid("a text, a whole number, true, false or a list of texts");
}

Status CollectTable(const toml::table& table, const std::string& prefix, const std::string& file,
                    GivenValues& values) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const auto* inner = node.as_table()) {
      if (Status collected = CollectTable(*inner, key + ".", file, values); !collected) {
        return collected;
      }
      continue;
    }
    const std::string where = fmt::format("{}:{}", file, node.source().begin.line);
    const ConfigField* const field = FindField(key, &ConfigField::key);
    if (field == nullptr) {
      return Invalid(
          fmt::format("{}: unknown field \"{}\"; docs/operating.md lists the fields", where, key));
    }
    Result<std::string> text = TextOf(node);
    if (!text) {
      return Invalid(fmt::format("{}: {}: allowed: {}", where, key, text.error().message()));
    }
    values[field->key] = {*text, where};
  }
  return {};
}

Status CollectFile(const std::string& file, GivenValues& values) {
  Result<std::string> text = ReadWholeFile(file);
  if (!text) return std::unexpected(std::move(text).error().WithContext("configuration file"));
  try {
    return CollectTable(toml::parse(*text, file), "", file, values);
  } catch (const toml::parse_error& error) {
    return Invalid(fmt::format("{}:{}: {}", file, error.source().begin.line, error.description()));
  }
}

// The file's name itself follows the same precedence.
std::string ConfigFileOf(const ConfigSources& sources) {
  if (!sources.file.empty()) return sources.file;
  for (const auto& [name, value] : sources.variables) {
    if (name == "SESHAT_CONFIG") return value;
  }
  return "";
}

Result<GivenValues> Collect(const ConfigSources& sources, std::vector<std::string>& warnings) {
  GivenValues values;
  if (const std::string file = ConfigFileOf(sources); !file.empty()) {
    if (Status collected = CollectFile(file, values); !collected) {
      return std::unexpected(collected.error());
    }
  }
  for (const auto& [name, value] : sources.variables) {
    if (name == "SESHAT_CONFIG") continue;
    const ConfigField* const field = FindField(name, &ConfigField::variable);
    if (field == nullptr) {
      // Not an error: container platforms add variables named after a service called "seshat".
      warnings.push_back(fmt::format("ignored the unknown environment variable {}", name));
      continue;
    }
    values[field->key] = {value, name};
  }
  for (const auto& [name, value] : sources.flags) {
    const ConfigField* const field = FindField(name, &ConfigField::flag);
    if (field == nullptr) return Invalid(fmt::format("unknown flag {}", name));
    values[field->key] = {value, name};
  }
  return values;
}

// The content of a file that holds a secret, without the newline an editor leaves at its end.
Result<std::string> ReadSecret(std::string_view field, const std::string& file,
                               std::size_t bytes_min) {
  Result<std::string> text = ReadWholeFile(file);
  if (!text) return std::unexpected(std::move(text).error().WithContext(field));
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  if (text->size() < bytes_min) {
    return Invalid(fmt::format("{} = \"{}\": the file holds {} bytes; allowed: at least {}", field,
                               file, text->size(), bytes_min));
  }
  return text;
}

Status ReadSecrets(NodeConfig& config) {
  if (!config.cluster_secret_file.empty()) {
    Result<std::string> secret = ReadSecret("cluster_secret_file", config.cluster_secret_file, 32);
    if (!secret) return std::unexpected(secret.error());
    config.cluster_secret = *std::move(secret);
  }
  if (!config.password_file.empty()) {
    Result<std::string> password = ReadSecret("password_file", config.password_file, 1);
    if (!password) return std::unexpected(password.error());
    config.password = *std::move(password);
  }
  return {};
}

}  // namespace

std::string Endpoint::ToString() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

bool Endpoint::IsLoopback() const {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return host == "::1" || host == "localhost";
}

bool Endpoint::IsWildcard() const {
  return host == "0.0.0.0" || host == "::";
}

Endpoint NodeConfig::AdvertisedClient() const {
  return advertise_client_addr.value_or(client_addr);
}

Endpoint NodeConfig::AdvertisedInternal() const {
  if (advertise_internal_addr) return *advertise_internal_addr;
  for (const FoundingMember& member : initial_members) {
    if (member.node == node_id) return member.internal_address;
  }
  return internal_addr;
}

Endpoint NodeConfig::AdvertisedAdmin() const {
  return advertise_admin_addr.value_or(admin_addr);
}

std::vector<FoundingMember> NodeConfig::FoundingMembers() const {
  if (!initial_members.empty()) return initial_members;
  if (join) return {};
  return {{node_id, AdvertisedInternal()}};
}

Result<LoadedConfig> LoadNodeConfig(const ConfigSources& sources) {
  LoadedConfig loaded;
  Result<GivenValues> values = Collect(sources, loaded.warnings);
  if (!values) return std::unexpected(values.error());
  for (const FieldReader& reader : FieldReaders()) {
    const auto given = values->find(reader.field.key);
    if (given == values->end()) continue;
    const auto& [text, origin] = given->second;
    if (Status set = reader.set(loaded.config, text); !set) {
      return Invalid(fmt::format("{} = \"{}\" (from {}): allowed: {}", reader.field.key, text,
                                 origin, set.error().message()));
    }
  }
  if (Status read = ReadSecrets(loaded.config); !read) return std::unexpected(read.error());
  if (Status checked = CheckNodeConfig(loaded.config); !checked) {
    return std::unexpected(checked.error());
  }
  std::ranges::move(SecurityWarnings(loaded.config), std::back_inserter(loaded.warnings));
  return loaded;
}

}  // namespace seshat

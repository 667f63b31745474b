#include "seshat/node/node_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace seshat {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Writes a file under the test's own folder and returns its path.
std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path =
      testing::TempDir() + testing::UnitTest::GetInstance()->current_test_info()->name() + name;
  std::ofstream(path) << text;
  return path;
}

NodeConfig Load(const ConfigSources& sources) {
  Result<LoadedConfig> loaded = LoadNodeConfig(sources);
  if (!loaded) {
    ADD_FAILURE() << loaded.error().message();
    return {};
  }
  return loaded->config;
}

// The error of sources that must not load.
std::string LoadError(const ConfigSources& sources) {
  const Result<LoadedConfig> loaded = LoadNodeConfig(sources);
  if (loaded) {
    ADD_FAILURE() << "loaded";
    return "";
  }
  return loaded.error().message();
}

std::string FlagError(const std::string& flag, const std::string& value) {
  return LoadError({.file = "", .flags = {{flag, value}}, .variables = {}});
}

std::string FileError(const std::string& text) {
  return LoadError({.file = WriteFile(".toml", text), .flags = {}, .variables = {}});
}

TEST(NodeConfigTest, NothingGivenIsAClusterOfOneOnLoopback) {
  const NodeConfig config = Load({});

  EXPECT_EQ(config.node_id, NodeId(1));
  EXPECT_EQ(config.data_dir, "./seshat-data");
  EXPECT_EQ(config.client_addr.ToString(), "127.0.0.1:6379");
  EXPECT_EQ(config.internal_addr.ToString(), "127.0.0.1:7379");
  EXPECT_EQ(config.admin_addr.ToString(), "127.0.0.1:9090");
  EXPECT_THAT(config.FoundingMembers(),
              ElementsAre(FoundingMember{NodeId(1), Endpoint{"127.0.0.1", 7379}}));
}

TEST(NodeConfigTest, AFlagBeatsTheEnvironmentBeatsTheFile) {
  const std::string file = WriteFile(".toml",
                                     "node_id = 2\ndata_dir = '/file'\ncluster_name = 'file'\n"
                                     "[limits]\nclients_max = 5\n");

  const NodeConfig config =
      Load({.file = file,
            .flags = {{"--data-dir", "/flag"}},
            .variables = {{"SESHAT_DATA_DIR", "/env"}, {"SESHAT_CLUSTER_NAME", "env"}}});

  EXPECT_EQ(config.node_id, NodeId(2));
  EXPECT_EQ(config.limits.clients_max, 5u);
  EXPECT_EQ(config.cluster_name, "env");
  EXPECT_EQ(config.data_dir, "/flag");
}

TEST(NodeConfigTest, TheFileMayBeNamedByTheEnvironment) {
  const std::string file = WriteFile(".toml", "node_id = 9\n");

  EXPECT_EQ(Load({.file = "", .flags = {}, .variables = {{"SESHAT_CONFIG", file}}}).node_id,
            NodeId(9));
}

TEST(NodeConfigTest, EveryFieldHasItsOwnKeyAndVariable) {
  std::set<std::string_view> names;

  for (const ConfigField& field : ConfigFields()) {
    std::string variable = "SESHAT_" + std::string(field.key);
    for (char& c : variable) c = c == '.' ? '_' : static_cast<char>(std::toupper(c));
    EXPECT_EQ(field.variable, variable);
    EXPECT_TRUE(names.insert(field.key).second) << field.key;
    EXPECT_FALSE(field.meaning.empty()) << field.key;
  }
}

TEST(NodeConfigTest, EveryFieldStandsInTheOperatorsManual) {
  const std::filesystem::path layer = std::filesystem::path(SESHAT_TESTDATA_DIR).parent_path();
  std::ifstream file(layer / "../../docs/operating.md");
  const std::string manual((std::istreambuf_iterator<char>(file)), {});

  for (const ConfigField& field : ConfigFields()) {
    EXPECT_THAT(manual, HasSubstr("| `" + std::string(field.key) + "` |"));
    EXPECT_THAT(manual, HasSubstr(std::string(field.flag)));
  }
}

TEST(NodeConfigTest, InitialMembersMayBeAListInTheFile) {
  const std::string file =
      WriteFile(".toml", "node_id = 1\nbootstrap = true\ninitial_members = ['2=b:1', '1=a:1']\n");

  const NodeConfig config = Load({.file = file, .flags = {}, .variables = {}});

  EXPECT_THAT(config.initial_members, ElementsAre(FoundingMember{NodeId(1), Endpoint{"a", 1}},
                                                  FoundingMember{NodeId(2), Endpoint{"b", 1}}));
  EXPECT_EQ(config.AdvertisedInternal().ToString(), "a:1");
}

TEST(NodeConfigTest, ByteSizesMayCarryAUnit) {
  const NodeConfig config =
      Load({.file = "", .flags = {}, .variables = {{"SESHAT_LIMITS_VALUE_BYTES_MAX", "8 MiB"}}});

  EXPECT_EQ(config.limits.value_bytes_max, 8u << 20);
}

TEST(NodeConfigTest, AnErrorNamesFieldValueOriginAndWhatIsAllowed) {
  EXPECT_EQ(FlagError("--node-id", "0"),
            "node_id = \"0\" (from --node-id): allowed: a whole number from 1 to "
            "18446744073709551615");
}

TEST(NodeConfigTest, BadValuesAreRefusedForEveryKindOfField) {
  const std::pair<const char*, const char*> cases[] = {
      {"--node-id", "x"},
      {"--node-id", "-1"},
      {"--node-id", "18446744073709551616"},
      {"--client-addr", "localhost"},
      {"--client-addr", ":6379"},
      {"--client-addr", "h:65536"},
      {"--client-addr", "h:"},
      {"--client-addr", "::1:6379"},
      {"--internal-addr", "a b:1"},
      {"--data-dir", ""},
      {"--protected-mode", "maybe"},
      {"--bootstrap", "2"},
      {"--initial-members", ""},
      {"--initial-members", "1"},
      {"--initial-members", "0=a:1"},
      {"--initial-members", "1=a:0"},
      {"--initial-members", "1=a:1,1=b:1"},
      {"--initial-members", "1=a:1,2=a:1"},
      {"--initial-members", "1=a:1,"},
      {"--initial-members", "1=a:1,2=b:1,3=c:1,4=d:1,5=e:1,6=f:1,7=g:1,8=h:1"},
  };
  for (const auto& [flag, value] : cases) {
    EXPECT_THAT(FlagError(flag, value),
                AllOf(HasSubstr("\"" + std::string(value) + "\""), HasSubstr("allowed: ")))
        << flag;
  }
}

TEST(NodeConfigTest, AnUnknownFieldInTheFileIsAnErrorWithItsLine) {
  EXPECT_THAT(FileError("node_id = 1\n[limits]\nkey_bytes_mx = 5\n"),
              AllOf(HasSubstr(":3: "), HasSubstr("unknown field \"limits.key_bytes_mx\"")));
}

TEST(NodeConfigTest, AFileThatIsNoTomlIsAnErrorWithItsLine) {
  EXPECT_THAT(FileError("node_id = 1\n= 3\n"), HasSubstr(":2: "));
}

TEST(NodeConfigTest, AValueOfAnotherTomlTypeIsRefused) {
  EXPECT_THAT(FileError("node_id = 1.5\n"), AllOf(HasSubstr("node_id"), HasSubstr("allowed: ")));
  EXPECT_THAT(FileError("initial_members = [1, 2]\n"), HasSubstr("allowed: "));
}

TEST(NodeConfigTest, AMissingFileIsAnErrorThatNamesIt) {
  EXPECT_THAT(LoadError({.file = "/nonexistent.toml", .flags = {}, .variables = {}}),
              HasSubstr("/nonexistent.toml: No such file"));
}

TEST(NodeConfigTest, AnUnknownVariableIsAWarning) {
  const Result<LoadedConfig> loaded =
      LoadNodeConfig({.file = "", .flags = {}, .variables = {{"SESHAT_PORT_6379_TCP", "x"}}});

  ASSERT_TRUE(loaded.has_value());
  EXPECT_THAT(loaded->warnings, ElementsAre(HasSubstr("SESHAT_PORT_6379_TCP")));
}

TEST(NodeConfigTest, ContradictionsNameBothFields) {
  const std::pair<std::string, std::vector<std::string>> cases[] = {
      {"[raft]\nheartbeat_ms = 400\n", {"election_timeout_min_ms = 500", "heartbeat_ms = 400"}},
      {"[raft]\nelection_timeout_max_ms = 500\n",
       {"election_timeout_max_ms = 500", "election_timeout_min_ms = 500"}},
      {"[limits]\nvalue_bytes_max = '64 MiB'\n", {"request_bytes_max", "value_bytes_max"}},
      {"[limits]\nproposal_bytes_max = '32 MiB'\n", {"proposal_bytes_max", "request_bytes_max"}},
      {"[limits]\nforward_bytes_max = '32 MiB'\n", {"forward_bytes_max", "request_bytes_max"}},
      {"[limits]\nlog_memory_bytes_max = '16 MiB'\n",
       {"log_memory_bytes_max", "proposal_bytes_max"}},
      {"[limits]\nclient_output_soft_bytes_max = '65 MiB'\n",
       {"client_output_hard_bytes_max", "client_output_soft_bytes_max"}},
      {"[limits]\nclient_output_soft_bytes_max = '1 MiB'\n"
       "client_output_hard_bytes_max = '2 MiB'\n",
       {"client_output_hard_bytes_max", "value_bytes_max"}},
      {"bootstrap = true\n", {"bootstrap", "initial_members"}},
      {"node_id = 4\ninitial_members = '1=a:1'\n", {"node_id = 4", "initial_members"}},
      {"initial_members = '1=a:1'\nadvertise_internal_addr = 'b:1'\n",
       {"advertise_internal_addr = \"b:1\"", "\"a:1\""}},
      {"admin_addr = '127.0.0.1:6379'\n", {"client_addr", "admin_addr"}},
      {"join = 'a:1'\nbootstrap = true\n", {"join = \"a:1\"", "bootstrap"}},
      {"join = 'a:1'\ninitial_members = '1=a:1'\n", {"join = \"a:1\"", "initial_members"}},
      {"join = 'a:0'\n", {"join = \"a:0\""}},
  };
  for (const auto& [text, parts] : cases) {
    const std::string error = FileError(text);
    for (const std::string& part : parts) EXPECT_THAT(error, HasSubstr(part)) << text;
    EXPECT_THAT(error, HasSubstr("allowed: ")) << text;
  }
}

TEST(NodeConfigTest, AWildcardAddressNeedsAnAdvertisedOne) {
  EXPECT_THAT(FlagError("--client-addr", "0.0.0.0:6379"), HasSubstr("advertise_client_addr"));

  const NodeConfig config =
      Load({.file = "",
            .flags = {{"--client-addr", "0.0.0.0:6379"}, {"--advertise-client-addr", "h:6379"}},
            .variables = {}});
  EXPECT_EQ(config.AdvertisedClient().ToString(), "h:6379");
}

TEST(NodeConfigTest, TheInternalPortBeyondLoopbackNeedsASecret) {
  EXPECT_THAT(FlagError("--internal-addr", "10.0.0.1:7379"),
              AllOf(HasSubstr("--cluster-secret-file"), HasSubstr("--insecure-internal")));
}

TEST(NodeConfigTest, InsecureInternalOpensTheInternalPortWithAWarning) {
  const Result<LoadedConfig> loaded = LoadNodeConfig(
      {.file = "",
       .flags = {{"--internal-addr", "10.0.0.1:7379"}, {"--insecure-internal", "yes"}},
       .variables = {}});

  ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
  EXPECT_THAT(loaded->warnings, ElementsAre(HasSubstr("insecure_internal")));
}

TEST(NodeConfigTest, ASecretIsReadWithoutItsFinalNewline) {
  const std::string secret(32, 's');
  const std::string file = WriteFile(".secret", secret + "\n");

  const Result<LoadedConfig> loaded = LoadNodeConfig(
      {.file = "",
       .flags = {{"--internal-addr", "10.0.0.1:7379"}, {"--cluster-secret-file", file}},
       .variables = {}});

  ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
  EXPECT_EQ(loaded->config.cluster_secret, secret);
  EXPECT_THAT(loaded->warnings, IsEmpty());
}

TEST(NodeConfigTest, AShortSecretIsRefusedWithoutShowingIt) {
  const std::string file = WriteFile(".secret", "short-secret\n");

  EXPECT_THAT(FlagError("--cluster-secret-file", file),
              AllOf(HasSubstr("at least 32"), Not(HasSubstr("short-secret"))));
}

TEST(NodeConfigTest, AnEmptyOrMissingPasswordFileIsRefused) {
  EXPECT_THAT(FlagError("--password-file", WriteFile(".password", "\n")),
              HasSubstr("password_file"));
  EXPECT_THAT(FlagError("--password-file", "/nonexistent"), HasSubstr("/nonexistent"));
}

TEST(NodeConfigTest, ClientsBeyondLoopbackWithoutAPasswordAreAWarning) {
  const Result<LoadedConfig> loaded =
      LoadNodeConfig({.file = "", .flags = {{"--client-addr", "10.0.0.1:6379"}}, .variables = {}});

  ASSERT_TRUE(loaded.has_value());
  EXPECT_THAT(loaded->warnings, ElementsAre(HasSubstr("protected mode")));
}

TEST(EndpointTest, LoopbackIsKnownInEveryForm) {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) {
    EXPECT_TRUE((Endpoint{host, 1}.IsLoopback())) << host;
  }
  for (const char* host : {"128.0.0.1", "0.0.0.0", "::", "example.org", "127.0.0.1.example.org"}) {
    EXPECT_FALSE((Endpoint{host, 1}.IsLoopback())) << host;
  }
}

TEST(EndpointTest, AnIpv6AddressKeepsItsBrackets) {
  const Result<Endpoint> endpoint = ParseEndpoint("[::1]:6379");

  ASSERT_TRUE(endpoint.has_value());
  EXPECT_EQ(endpoint->host, "::1");
  EXPECT_EQ(endpoint->ToString(), "[::1]:6379");
}

}  // namespace
}  // namespace seshat

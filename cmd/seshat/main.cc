// The `seshat` command: reads the command line and hands over to one of its subcommands.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster_command.h"
#include "inspect_command.h"
#include "leader_command.h"
#include "node_command.h"
#include "recover_command.h"
#include "restore_command.h"
#include "serve_command.h"
#include "seshat/node/node_config.h"
#include "snapshot_command.h"
#include "snapshot_create_command.h"
#include "status_command.h"

extern char** environ;

namespace seshat {
namespace {

constexpr int kExitUsage = 2;

// Every flag of the table of configuration fields, and the texts given for them.
struct ServeFlags {
  std::string file;
  std::vector<std::pair<const ConfigField*, std::string>> values;  // not resized once filled
};

CLI::App* AddServe(CLI::App& app, ServeFlags& flags) {
  CLI::App* const serve = app.add_subcommand("serve", "Run one node in the foreground");
  serve->add_option("--config", flags.file, "a TOML file; docs/operating.md lists its fields")
      ->option_text("FILE");
  for (const ConfigField& field : ConfigFields()) {
    if (!field.flag.empty()) flags.values.emplace_back(&field, "");
  }
  for (auto& [field, value] : flags.values) {
    const std::string name(field->flag);
    const std::string meaning(field->meaning);
    if (field->is_switch) {
      serve->add_flag_callback(name, [&text = value] { text = "yes"; }, meaning);
    } else {
      serve->add_option(name, value, meaning)
          ->option_text(std::string(field->hint))
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
  return serve;
}

ConfigSources SourcesOf(const CLI::App& serve, const ServeFlags& flags) {
  ConfigSources sources;
  sources.file = flags.file;
  for (const auto& [field, value] : flags.values) {
    const std::string name(field->flag);
    if (serve.count(name) > 0) sources.flags.emplace_back(name, value);
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (!text.starts_with("SESHAT_") || equals == std::string_view::npos) continue;
    sources.variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return sources;
}

CLI::App* AddCluster(CLI::App& app, ClusterOptions& options) {
  CLI::App* const cluster =
      app.add_subcommand("cluster", "Run several nodes on this machine in the foreground");
  cluster->add_option("--nodes", options.nodes, "how many, 1 to 7")->capture_default_str();
  cluster->add_option("--data-dir", options.data_dir, "holds node-1, node-2, ...")
      ->capture_default_str();
  cluster->add_option("--client-port", options.client_port, "RESP port of node 1; the next for 2")
      ->capture_default_str();
  cluster->add_option("--internal-port", options.internal_port, "port of node 1 for its peers")
      ->capture_default_str();
  cluster->add_option("--admin-port", options.admin_port, "admin port of node 1")
      ->capture_default_str();
  return cluster;
}

CLI::App* AddLeaderTransfer(CLI::App& app, LeaderTransferOptions& options) {
  CLI::App* const leader = app.add_subcommand("leader", "Say who leads");
  leader->require_subcommand(1);
  CLI::App* const transfer =
      leader->add_subcommand("transfer", "Hand the leadership of a group to a node");
  transfer->add_option("--group", options.group, "data, system, or a group's number")
      ->option_text("G")
      ->required();
  transfer->add_option("--to", options.to, "the node that shall lead; default: the best placed")
      ->option_text("N")
      ->check(CLI::PositiveNumber);
  transfer->add_option("--admin", options.address, "any node's admin address")
      ->option_text("H:P")
      ->capture_default_str();
  transfer->add_flag("--json", options.as_json, "as JSON");
  return transfer;
}

struct NodeCommands {
  CLI::App* list = nullptr;
  CLI::App* add = nullptr;
  CLI::App* remove = nullptr;
  CLI::App* replace = nullptr;
};

NodeCommands AddNode(CLI::App& app, NodeCommandOptions& options) {
  CLI::App* const node = app.add_subcommand("node", "The members of a cluster");
  node->require_subcommand(1);
  const NodeCommands commands{
      .list = node->add_subcommand("list", "Show the members"),
      .add =
          node->add_subcommand("add", "Let a node join, and make it a voter once it has the data"),
      .remove = node->add_subcommand("remove", "Have a member leave, and wait until it is gone"),
      .replace = node->add_subcommand(
          "replace", "Have a new node join, then the old one leave, and wait for both")};
  commands.add->add_option("node", options.node, "the new node's id")->option_text("N");
  commands.add
      ->add_option("--internal-addr", options.internal_address,
                   "its internal address; default: it tells when it joins")
      ->option_text("H:P");
  commands.add->add_flag("--wait", options.waits, "wait until it is a voter of every group");
  commands.remove->add_option("node", options.node, "the member's id")->option_text("N");
  commands.replace->add_option("old", options.node, "the member that goes")->option_text("OLD");
  commands.replace->add_option("new", options.by, "the node that comes")->option_text("NEW");
  for (CLI::App* const command : {commands.list, commands.add, commands.remove, commands.replace}) {
    for (CLI::Option* const id : command->get_options()) {
      if (id->get_positional()) id->required()->check(CLI::PositiveNumber);
    }
    command->add_option("--admin", options.address, "any node's admin address")
        ->option_text("H:P")
        ->capture_default_str();
    command->add_flag("--json", options.as_json, "as JSON");
  }
  return commands;
}

int RunNode(const NodeCommands& commands, const NodeCommandOptions& options) {
  if (commands.list->parsed()) return RunNodeList(options);
  if (commands.add->parsed()) return RunNodeAdd(options);
  if (commands.remove->parsed()) return RunNodeRemove(options);
  return RunNodeReplace(options);
}

CLI::App* AddInspect(CLI::App& app, InspectCommandOptions& options) {
  CLI::App* const inspect = app.add_subcommand(
      "inspect", "Show and check a stopped node's data directory; changes nothing");
  inspect->add_option("--data-dir", options.data_dir, "the node's data directory")
      ->option_text("DIR")
      ->required();
  inspect
      ->add_option("--group", options.group,
                   "the group to show: data, system, or a number; default: all")
      ->option_text("G");
  inspect->add_option("--entries", options.entries, "log entries to show, both inclusive")
      ->option_text("FROM:TO");
  inspect->add_flag("--values", options.with_values, "with the arguments of their commands");
  inspect->add_flag("--json", options.as_json, "as JSON");
  return inspect;
}

struct SnapshotCommands {
  CLI::App* create = nullptr;
  CLI::App* list = nullptr;
  CLI::App* verify = nullptr;
  CLI::App* restore = nullptr;
};

CLI::App* AddSnapshotRestore(CLI::App& snapshot, RestoreCommandOptions& options) {
  CLI::App* const restore = snapshot.add_subcommand(
      "restore", "Make the data directory of a member of a new cluster from one");
  restore->add_option("--from", options.snapshot, "its folder, in a node's snapshots or a copy")
      ->option_text("SNAPSHOT-DIR")
      ->required();
  restore->add_option("--data-dir", options.data_dir, "the member's data directory, empty or new")
      ->option_text("DIR")
      ->required();
  restore->add_option("--node-id", options.node_id, "the member's number")
      ->option_text("N")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  restore
      ->add_option("--initial-members", options.initial_members,
                   "the new cluster's, the same for each; default: this one alone")
      ->option_text("ID=H:P,...");
  restore
      ->add_option("--cluster-name", options.cluster_name,
                   "the same for each; another one for each time a snapshot is restored to the "
                   "same members")
      ->option_text("NAME");
  return restore;
}

SnapshotCommands AddSnapshot(CLI::App& app, SnapshotCreateOptions& create,
                             SnapshotCommandOptions& offline, RestoreCommandOptions& restore) {
  CLI::App* const snapshot = app.add_subcommand("snapshot", "Snapshots of a node");
  snapshot->require_subcommand(1);
  const SnapshotCommands commands{
      .create = snapshot->add_subcommand("create",
                                         "Have a running node take a snapshot, and wait for it"),
      .list = snapshot->add_subcommand(
          "list", "Show what each in a stopped node's directory holds, by its metadata"),
      .verify = snapshot->add_subcommand(
          "verify", "Read all of each in a stopped node's directory, and compare"),
      .restore = AddSnapshotRestore(*snapshot, restore)};
  commands.create->add_option("--admin", create.address, "the node's admin address")
      ->option_text("H:P")
      ->capture_default_str();
  commands.create->add_flag("--json", create.as_json, "as JSON");
  commands.verify->add_option("name", offline.name, "this one alone")->option_text("NAME");
  for (CLI::App* const command : {commands.list, commands.verify}) {
    command->add_option("--data-dir", offline.data_dir, "the node's data directory")
        ->option_text("DIR")
        ->required();
    command->add_flag("--json", offline.as_json, "as JSON");
  }
  return commands;
}

CLI::App* AddRecover(CLI::App& app, RecoverCommandOptions& options) {
  CLI::App* const recover = app.add_subcommand(
      "recover", "Have a surviving node go on alone when the majority is lost for good");
  recover->add_option("--data-dir", options.data_dir, "the stopped node's data directory")
      ->option_text("DIR")
      ->required();
  recover->add_flag("--accept-data-loss", options.accepts_data_loss,
                    "do it; without this flag it only says what it would do");
  return recover;
}

int Main(int argc, char** argv) {
  CLI::App app{"Seshat: a distributed key-value store that speaks the Redis protocol", "seshat"};
  app.set_version_flag("--version", "seshat " SESHAT_VERSION);
  app.require_subcommand(1);
  ServeFlags serve_flags;
  ClusterOptions cluster_options;
  LeaderTransferOptions transfer_options;
  NodeCommandOptions node_options;
  InspectCommandOptions inspect_options;
  SnapshotCommandOptions snapshot_options;
  SnapshotCreateOptions snapshot_create_options;
  RestoreCommandOptions restore_options;
  RecoverCommandOptions recover_options;
  std::string status_address = "127.0.0.1:9090";
  bool as_json = false;
  const CLI::App* const serve = AddServe(app, serve_flags);
  const CLI::App* const cluster = AddCluster(app, cluster_options);
  const CLI::App* const transfer = AddLeaderTransfer(app, transfer_options);
  const NodeCommands node = AddNode(app, node_options);
  const CLI::App* const inspect = AddInspect(app, inspect_options);
  const SnapshotCommands snapshot =
      AddSnapshot(app, snapshot_create_options, snapshot_options, restore_options);
  const CLI::App* const recover = AddRecover(app, recover_options);
  CLI::App* const status = app.add_subcommand("status", "Show how a node and its cluster are");
  status->add_option("--addr", status_address, "the node's admin address")
      ->option_text("ADMIN-H:P")
      ->capture_default_str();
  status->add_flag("--json", as_json, "as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  if (serve->parsed()) return RunServe(SourcesOf(*serve, serve_flags));
  if (cluster->parsed()) return RunCluster(cluster_options);
  if (transfer->parsed()) return RunLeaderTransfer(transfer_options);
  if (node.list->get_parent()->parsed()) return RunNode(node, node_options);
  if (inspect->parsed()) return RunInspect(inspect_options);
  if (snapshot.create->parsed()) return RunSnapshotCreate(snapshot_create_options);
  if (snapshot.list->parsed()) return RunSnapshotList(snapshot_options);
  if (snapshot.verify->parsed()) return RunSnapshotVerify(snapshot_options);
  if (snapshot.restore->parsed()) return RunRestore(restore_options);
  if (recover->parsed()) return RunRecover(recover_options);
  return RunStatus(status_address, as_json);
}

}  // namespace
}  // namespace seshat

int main(int argc, char** argv) {
  return seshat::Main(argc, argv);
}

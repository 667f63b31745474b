// What an operator may know about a node and its cluster, as values, and as the JSON of /status.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"

namespace seshat {

// A member of the cluster as the reporting node sees it.
struct MemberReport {
  NodeId node;
  std::string client_address;
  std::string internal_address;
  std::string admin_address;
  bool is_self = false;
  bool is_connected = false;    // true for the node itself
  std::string problem;          // why it is not; empty when all is well
  std::string state = "voter";  // "joining" until every group counts it; "leaving"

  bool operator==(const MemberReport&) const = default;
};

struct FollowerReport {
  NodeId node;
  LogIndex match;
  bool is_active = false;

  bool operator==(const FollowerReport&) const = default;
};

// A snapshot that is being fetched from the leader.
struct FetchReport {
  LogIndex index;  // 0: none is
  std::uint64_t keys = 0;
  std::uint64_t keys_received = 0;
  std::uint64_t bytes_received = 0;

  bool operator==(const FetchReport&) const = default;
};

// The reporting node's replica of one group.
struct GroupReport {
  GroupId group;
  std::string role;  // "leader", "follower", ...
  NodeId leader;     // kNoNode: unknown
  Term term;
  LogIndex commit;
  LogIndex applied;
  LogIndex last;
  std::uint64_t lag_entries = 0;  // committed, as far as is known, but not yet applied here
  std::uint64_t log_size_bytes = 0;
  LogIndex snapshot;  // of the newest snapshot here; 0: none
  FetchReport fetching;
  bool has_quorum = false;
  std::vector<NodeId> voters;
  std::vector<NodeId> learners = {};      // are fed, and do not vote
  std::vector<FollowerReport> followers;  // leader only
  std::string problem;                    // empty when all is well

  bool operator==(const GroupReport&) const = default;
};

struct StatusReport {
  NodeId node;
  std::string version;
  std::string cluster_id;  // hexadecimal; empty before bootstrap has finished
  std::string store_id;    // hexadecimal
  std::string data_dir;    // absolute
  std::uint64_t uptime_s = 0;
  std::uint64_t pid = 0;
  std::vector<MemberReport> members;  // ascending by node
  std::vector<NodeId> removed;        // ascending; were members once
  std::vector<GroupReport> groups;    // ascending by group
  std::vector<std::string> problems;  // of the node as a whole

  // Whether no part reports a problem.
  bool IsHealthy() const;

  bool operator==(const StatusReport&) const = default;
};

// The body of /status; its fields are documented in docs/operating.md.
std::string ToJson(const StatusReport& report);

// Errors: kInvalidArgument when `json` is not a report; the message says where.
Result<StatusReport> ParseStatusReport(std::string_view json);

// The table that `seshat node list` prints.
std::string ToMemberTable(const StatusReport& report);

// The tables that `seshat status` prints.
std::string ToTable(const StatusReport& report);

}  // namespace seshat

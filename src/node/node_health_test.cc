#include "node_health.h"

#include <gtest/gtest.h>

namespace seshat {
namespace {

GroupStatus Behind(std::uint64_t entries) {
  GroupStatus status;
  status.group = kFirstDataGroup;
  status.core.leader = NodeId(2);
  status.has_quorum = true;
  status.applied_index = LogIndex(50);
  status.known_commit = LogIndex(50 + entries);
  status.snapshot_index = LogIndex(40);
  return status;
}

TEST(GroupReportTest, ALagIsExplainedByTheSnapshotThatIsBeingFetched) {
  GroupStatus status = Behind(1000);
  EXPECT_EQ(ReportOf(status).problem, "1000 entries behind");
  EXPECT_EQ(ReportOf(status).snapshot, LogIndex(40));
  EXPECT_EQ(ReportOf(status).fetching, FetchReport{});

  status.fetching =
      FetchStatus{.index = LogIndex(900), .keys = 30, .rows_received = 31, .bytes_received = 500};

  EXPECT_EQ(ReportOf(status).problem, "1000 entries behind: fetching a snapshot from the leader");
  EXPECT_EQ(ReportOf(status).fetching,
            (FetchReport{
                .index = LogIndex(900), .keys = 30, .keys_received = 30, .bytes_received = 500}));
}

TEST(GroupReportTest, WhoFetchesASnapshotIsNotReadyHoweverFewEntriesItLacks) {
  GroupStatus status = Behind(3);
  EXPECT_EQ(ReportOf(status).problem, "");

  status.fetching = FetchStatus{.index = LogIndex(52)};

  EXPECT_EQ(ReportOf(status).problem, "3 entries behind: fetching a snapshot from the leader");
}

}  // namespace
}  // namespace seshat

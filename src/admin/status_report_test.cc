#include "seshat/admin/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace seshat {
namespace {

using ::testing::HasSubstr;

StatusReport ThreeNodeReport() {
  StatusReport report;
  report.node = NodeId(1);
  report.version = "0.1.0";
  report.cluster_id = "00ff";
  report.store_id = "aa";
  report.data_dir = "/data";
  report.uptime_s = 7;
  report.pid = 42;
  report.members = {{NodeId(1), "h:1", "h:2", "h:3", true, true, ""},
                    {NodeId(2), "i:1", "i:2", "i:3", false, true, "", "leaving"}};
  GroupReport group;
  group.group = kFirstDataGroup;
  group.role = "leader";
  group.leader = NodeId(1);
  group.term = Term(3);
  group.commit = LogIndex(12);
  group.applied = LogIndex(11);
  group.last = LogIndex(13);
  group.lag_entries = 1;
  group.log_size_bytes = 99;
  group.snapshot = LogIndex(8);
  group.fetching = {.index = LogIndex(20), .keys = 30, .keys_received = 10, .bytes_received = 1000};
  group.has_quorum = true;
  group.voters = {NodeId(1), NodeId(2)};
  group.learners = {NodeId(4)};
  group.followers = {{NodeId(2), LogIndex(12), true}};
  report.groups = {group};
  report.removed = {NodeId(3)};
  return report;
}

TEST(StatusReportTest, JsonRoundTripKeepsEveryField) {
  const StatusReport report = ThreeNodeReport();

  const Result<StatusReport> parsed = ParseStatusReport(ToJson(report));

  ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
  EXPECT_EQ(*parsed, report);
}

TEST(StatusReportTest, JsonThatIsNoReportIsAnErrorThatSaysWhy) {
  for (const std::string_view text : {"", "[]", "{}", "{\"node_id\":\"x\"}", "<html>"}) {
    const Result<StatusReport> parsed = ParseStatusReport(text);

    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_THAT(parsed.error().message(), HasSubstr("not a status report"));
  }
}

TEST(StatusReportTest, HealthyOnlyWhenNoPartHasAProblem) {
  StatusReport report = ThreeNodeReport();
  EXPECT_TRUE(report.IsHealthy());

  report.members[1].problem = "not connected";

  EXPECT_FALSE(report.IsHealthy());
}

TEST(StatusReportTest, TableNamesGroupsLeaderAndEveryProblem) {
  StatusReport report = ThreeNodeReport();
  report.groups[0].problem = "no quorum";
  report.problems = {"disk almost full"};

  const std::string table = ToTable(report);

  EXPECT_THAT(table, HasSubstr("data   leader  1       3     12      11       1    yes"));
  EXPECT_THAT(table, HasSubstr("group data: no quorum"));
  EXPECT_THAT(table, HasSubstr("disk almost full"));
}

TEST(StatusReportTest, TableShowsTheSnapshotAndWhichOneIsBeingFetched) {
  StatusReport report = ThreeNodeReport();
  EXPECT_THAT(ToTable(report), HasSubstr("yes     8 (fetching 20)\n"));

  report.groups[0].fetching = FetchReport{};
  EXPECT_THAT(ToTable(report), HasSubstr("yes     8\n"));

  report.groups[0].snapshot = LogIndex{};
  EXPECT_THAT(ToTable(report), HasSubstr("yes     -\n"));
}

TEST(StatusReportTest, AReportOfANodeFromBeforeSnapshotsIsUnderstood) {
  std::string json = ToJson(ThreeNodeReport());
  const std::size_t from = json.find("\"snapshot\"");
  json.erase(from, json.find("\"has_quorum\"") - from);

  const Result<StatusReport> parsed = ParseStatusReport(json);

  ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
  EXPECT_EQ(parsed->groups[0].snapshot, LogIndex{});
}

TEST(StatusReportTest, JsonSurvivesBytesThatAreNotUtf8) {
  StatusReport report = ThreeNodeReport();
  report.data_dir = "/data\xff";

  EXPECT_TRUE(ParseStatusReport(ToJson(report)).has_value());
}

}  // namespace
}  // namespace seshat

// What a core refuses to start from.
#include <gtest/gtest.h>

#include <functional>

#include "seshat/raft/core.h"

namespace seshat {
namespace {

using std::chrono::milliseconds;

CoreOptions GoodOptions() {
  CoreOptions options;
  options.id = NodeId(1);
  return options;
}

RestoredState GoodState() {
  RestoredState restored;
  restored.hard_state.term = Term(3);
  restored.snapshot = {.index = LogIndex(4), .term = Term(1), .configuration = {}};
  restored.snapshot.configuration.voters = {NodeId(1)};
  restored.terms = {{LogIndex(5), Term(1)}, {LogIndex(7), Term(3)}};
  restored.last_index = LogIndex(9);
  restored.applied = LogIndex(6);
  restored.configurations = {{LogIndex(5), restored.snapshot.configuration}};
  return restored;
}

TEST(CoreValidationTest, TheDefaultsAreValidOnceTheNodeHasAnId) {
  EXPECT_TRUE(ValidateCoreOptions(GoodOptions()));
  EXPECT_EQ(ValidateCoreOptions(CoreOptions{}).error().code(), ErrorCode::kInvalidArgument);
}

TEST(CoreValidationTest, NamesTheOptionThatIsWrong) {
  const std::pair<std::function<void(CoreOptions&)>, std::string_view> cases[] = {
      {[](CoreOptions& o) { o.heartbeat_interval = {}; }, "heartbeat_interval is 0 ms"},
      {[](CoreOptions& o) { o.heartbeat_interval = milliseconds(300); }, "election_timeout_min"},
      {[](CoreOptions& o) { o.election_timeout_max = milliseconds(500); }, "election_timeout_max"},
      {[](CoreOptions& o) { o.stickiness = milliseconds(501); }, "stickiness is 501 ms"},
      {[](CoreOptions& o) { o.stickiness = {}; }, "stickiness"},
      {[](CoreOptions& o) { o.append_bytes_max = 0; }, "append_bytes_max"},
      {[](CoreOptions& o) { o.inflight_messages_max = 0; }, "inflight_messages_max"},
      {[](CoreOptions& o) { o.inflight_bytes_max = 0; }, "inflight_bytes_max"},
      {[](CoreOptions& o) { o.uncommitted_bytes_max = 0; }, "uncommitted_bytes_max"},
      {[](CoreOptions& o) { o.pending_reads_max = 0; }, "pending_reads_max"},
  };
  for (const auto& [spoil, name] : cases) {
    CoreOptions options = GoodOptions();
    spoil(options);

    const Status status = ValidateCoreOptions(options);

    ASSERT_FALSE(status) << name;
    EXPECT_NE(status.error().message().find(name), std::string::npos) << status.error().message();
  }
}

TEST(CoreValidationTest, StoredStateThatContradictsItselfIsCorruption) {
  ASSERT_TRUE(ValidateRestoredState(GoodState()));
  const std::function<void(RestoredState&)> cases[] = {
      [](RestoredState& s) { s.last_index = LogIndex(3); },
      [](RestoredState& s) { s.applied = LogIndex(10); },
      [](RestoredState& s) { s.hard_state.promise = milliseconds(-1); },
      [](RestoredState& s) { s.hard_state.term = Term(2); },
      [](RestoredState& s) { s.terms.clear(); },
      [](RestoredState& s) { s.terms[0].first = LogIndex(6); },
      [](RestoredState& s) { s.terms[1].first = LogIndex(10); },
      [](RestoredState& s) { s.terms[1].term = Term(1); },
      [](RestoredState& s) { s.terms[0].term = Term(0); },
      [](RestoredState& s) { s.configurations[0].first = LogIndex(4); },
      [](RestoredState& s) { s.configurations[0].first = LogIndex(10); },
      [](RestoredState& s) { s.configurations[0].second.voters.clear(); },
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    RestoredState restored = GoodState();
    cases[i](restored);

    const Status status = ValidateRestoredState(restored);

    ASSERT_FALSE(status) << "case " << i;
    EXPECT_EQ(status.error().code(), ErrorCode::kCorruption);
  }
}

}  // namespace
}  // namespace seshat

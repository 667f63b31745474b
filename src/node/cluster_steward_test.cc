#include "cluster_steward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "group_host.h"
#include "seshat/node/real_ports.h"
#include "support/memory_snapshot_store.h"
#include "support/memory_state_store.h"

namespace seshat {
namespace {

// The admin endpoint is there before the first round, and whoever asks it must not be told that
// the node is ready, nor that it hangs.
TEST(ClusterStewardTest, BeforeItsFirstRoundTheNodeIsStarting) {
  SystemClock clock;
  MemoryStateStore state;
  MemorySnapshotStore snapshots(state);
  const NodeConfig config;
  GroupHostPorts host_ports;
  host_ports.clock = &clock;
  host_ports.snapshots = &snapshots;
  GroupHost groups(config, host_ports);
  StewardPorts ports;
  ports.clock = &clock;
  ports.groups = &groups;
  const MonotonicTime begin = clock.Now();

  const ClusterSteward steward(config, {}, ports, [](const Error&) {});

  EXPECT_THAT(steward.Obstacles(), testing::ElementsAre("starting"));
  EXPECT_GE(steward.LastRound(), begin);
}

}  // namespace
}  // namespace seshat

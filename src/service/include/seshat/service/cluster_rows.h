// The system group's rows and the ClusterState that they stand for, for whoever has no running
// group: the state machine when it begins, the offline commands.
#pragma once

#include <vector>

#include "seshat/base/error.h"
#include "seshat/ports/state_store.h"
#include "seshat/service/cluster_state.h"

namespace seshat {

// An empty state where the cluster is not founded yet. May block.
// Errors: those of StateView::Get; kCorruption, naming the row; kFailedPrecondition when a newer
//         version of Seshat wrote it.
Result<ClusterState> ReadClusterState(const StateView& system);

// What puts `state` in the place of whatever the rows say.
std::vector<StateOp> ClusterRows(const ClusterState& state);

}  // namespace seshat

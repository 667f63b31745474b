// What the rows of a group's state amount to: counted and added up, to be compared with another
// replica's, and with what the rows say of themselves.
#pragma once

#include <memory>

#include "seshat/raft/state_machine.h"

namespace seshat {

enum class AuditedRows {
  kData,    // a data group: keys count, the digest is that of its AppliedState
  kSystem,  // the system group: every row but `applied` counts
};

std::unique_ptr<StateAudit> MakeStateAudit(AuditedRows rows);

// By a scan of everything. May block. Errors: as StateAudit, and those of StateView::Scan.
Result<StateFacts> AuditView(AuditedRows rows, const StateView& view);

}  // namespace seshat

#include "write_census.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "seshat/v1/command.pb.h"
#include "seshat/v1/storage.pb.h"

namespace seshat {

void WriteCensus::OnCommitted(std::string_view record) {
  v1::VersionedLogEntry entry;
  v1::ProposalBatch batch;
  if (!entry.ParseFromArray(record.data(), static_cast<int>(record.size())) ||
      entry.entry_type() != v1::LOG_ENTRY_TYPE_NORMAL || !batch.ParseFromString(entry.data())) {
    return;
  }
  for (const std::string& bytes : batch.commands()) {
    v1::DataCommand command;
    if (!command.ParseFromString(bytes) || !command.has_client()) continue;
    const CommandText text(command.client().arguments().begin(),
                           command.client().arguments().end());
    const std::uint64_t applied = ++applied_[text];
    if (applied <= sent_[text]) continue;
    fail_(fmt::format("{} is applied {} times by entry {}/{}, but was sent {} times",
                      fmt::join(text, " "), applied, entry.term(), entry.index(), sent_[text]));
  }
}

}  // namespace seshat

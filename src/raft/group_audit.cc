#include "seshat/raft/group_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "entry_codec.h"
#include "restored_rows.h"
#include "state_codec.h"

namespace seshat {
namespace {

constexpr std::size_t kProblemsMax = 20;

}  // namespace

std::string_view ToString(EntryType type) {
  switch (type) {
    case EntryType::kNormal:
      return "normal";
    case EntryType::kConfig:
      return "configuration";
    case EntryType::kNoop:
      return "no-op";
  }
  return "unknown";
}

GroupAudit::GroupAudit(GroupId group, const LogContents& contents)
    : group_(group), first_(contents.first_index), next_(contents.first_index) {
  restored_.last_index = contents.last_index;
  if (const Status rows = RestoreHardState(group, contents, restored_); !rows) {
    AddProblem(rows.error().message());
  } else if (contents.state_row) {
    hard_state_ = restored_.hard_state;
  }
  if (const Status rows = RestoreSnapshot(group, contents, restored_); !rows) {
    AddProblem(rows.error().message());
  } else {
    snapshot_ = restored_.snapshot;
  }
}

void GroupAudit::AddProblem(std::string problem) {
  if (problems_.size() < kProblemsMax) {
    problems_.push_back(std::move(problem));
  } else {
    ++untold_;
  }
}

// A gap before the record, whatever is in it.
void GroupAudit::CheckPlace(LogIndex index) {
  if (index > next_) {
    const LogIndex last(index.value() - 1);
    AddProblem(next_ == last
                   ? fmt::format("group {}, log record {} is missing", group_.value(), last.value())
                   : fmt::format("group {}, log records {} to {} are missing", group_.value(),
                                 next_.value(), last.value()));
  }
  next_ = index.Next();
}

std::optional<AuditedEntry> GroupAudit::Add(LogIndex index, std::string_view record) {
  CheckPlace(index);
  ++records_;
  bytes_ += record.size();
  const auto refuse = [&](std::string_view why) {
    AddProblem(fmt::format("group {}, log record {}: {}", group_.value(), index.value(), why));
    return std::nullopt;
  };
  const Term before = restored_.terms.empty() ? Term() : restored_.terms.back().term;
  const Result<EntryView> view = RestoreRecord(index, record, restored_);
  if (!view) return refuse(view.error().message());
  const Entry& entry = view->entry;
  AuditedEntry audited{.term = entry.term,
                       .index = index,
                       .type = entry.type,
                       .feature_level = entry.feature_level,
                       .stamp = {},
                       .commands = {},
                       .configuration = {}};
  if (entry.term < before) {
    refuse(fmt::format("its term {} follows term {}", entry.term.value(), before.value()));
  }
  if (entry.type == EntryType::kConfig) {
    audited.configuration = restored_.configurations.back().second;
  } else if (entry.type == EntryType::kNormal) {
    Result<ProposalBatchView> batch = DecodeProposalBatch(view->data);
    if (!batch) return refuse(batch.error().message());
    audited.stamp = batch->stamp;
    audited.commands = std::move(batch->commands);
  }
  return audited;
}

Term GroupAudit::TermAt(LogIndex index) const {
  if (index == restored_.snapshot.index) return restored_.snapshot.term;
  const auto after = std::ranges::upper_bound(restored_.terms, index, {}, &TermRun::first);
  return after == restored_.terms.begin() ? Term() : std::prev(after)->term;
}

void GroupAudit::CheckApplied(Applied applied) {
  const std::uint64_t last = restored_.last_index.value();
  if (applied.index > restored_.last_index) {
    AddProblem(fmt::format("group {}: entry {} is applied, but the log ends at {}", group_.value(),
                           applied.index.value(), last));
  } else if (applied.index < restored_.snapshot.index) {
    AddProblem(
        fmt::format("group {}: the log begins after entry {}, but what is applied ends at {}",
                    group_.value(), restored_.snapshot.index.value(), applied.index.value()));
  } else if (applied.term != TermAt(applied.index)) {
    AddProblem(
        fmt::format("group {}: entry {} was applied as one of term {}, the log has it with "
                    "term {}",
                    group_.value(), applied.index.value(), applied.term.value(),
                    TermAt(applied.index).value()));
  }
}

void GroupAudit::Finish(std::optional<Applied> applied) {
  if (next_ <= restored_.last_index && next_ > first_) CheckPlace(restored_.last_index.Next());
  const bool are_pieces_whole = problems_.empty();
  if (applied && snapshot_) CheckApplied(*applied);
  if (hard_state_ && snapshot_ && hard_state_->commit > restored_.last_index) {
    AddProblem(fmt::format("group {}: entry {} is committed, but the log ends at {}",
                           group_.value(), hard_state_->commit.value(),
                           restored_.last_index.value()));
  }
  // What it says of damaged pieces would only repeat what was said of them; of what is applied too.
  if (are_pieces_whole) {
    restored_.applied = restored_.snapshot.index;
    if (const Status agree = ValidateRestoredState(restored_); !agree) {
      AddProblem(fmt::format("group {}: {}", group_.value(), agree.error().message()));
    }
  }
  if (untold_ > 0) {
    problems_.push_back(fmt::format("group {}: {} more of this kind", group_.value(), untold_));
  }
}

Result<SnapshotDescriptor> DescribeGroupSnapshot(const GroupSnapshot& snapshot) {
  Result<SnapshotDescriptor> described = DecodeSnapshotMetadata(snapshot.metadata);
  if (!described) {
    return std::unexpected(
        std::move(described).error().WithContext(fmt::format("group {}", snapshot.group.value())));
  }
  return described;
}

}  // namespace seshat

#include "seshat/service/state_audit.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "seshat/base/slot.h"
#include "seshat/commands/applied_state.h"
#include "seshat/commands/key_layout.h"
#include "seshat/commands/row_digest.h"

namespace seshat {
namespace {

class RowAudit final : public StateAudit {
 public:
  explicit RowAudit(AuditedRows rows) : rows_(rows) {}

  void Add(std::string_view key, std::string_view value) override {
    if (key == kAppliedRowKey) {
      applied_row_ = std::string(value);
    } else if (rows_ == AuditedRows::kSystem || key < data_rows_end_) {
      ++count_;
      digest_ += HashRow(key, value);
    }
  }

  Result<StateFacts> Finish() override {
    if (!applied_row_) return MakeError(ErrorCode::kCorruption, "the row applied is missing");
    const Result<AppliedState> applied = DecodeAppliedState(*applied_row_);
    if (!applied) return std::unexpected(applied.error());
    const bool is_data = rows_ == AuditedRows::kData;
    const bool is_digest_kept = applied->digest.has_value();
    if (is_data &&
        (applied->key_count != count_ || (is_digest_kept && *applied->digest != digest_))) {
      return MakeError(ErrorCode::kCorruption,
                       fmt::format("the row applied tells of {} keys, there are {}",
                                   applied->key_count, count_));
    }
    return StateFacts{
        .index = applied->index, .term = applied->term, .key_count = count_, .digest = digest_};
  }

 private:
  const AuditedRows rows_;
  const std::string data_rows_end_ = ExpiryRowsBegin(Slot(0));
  std::optional<std::string> applied_row_;
  std::uint64_t count_ = 0;
  std::uint64_t digest_ = 0;
};

}  // namespace

std::unique_ptr<StateAudit> MakeStateAudit(AuditedRows rows) {
  return std::make_unique<RowAudit>(rows);
}

Result<StateFacts> AuditView(AuditedRows rows, const StateView& view) {
  RowAudit audit(rows);
  const Status scanned = view.Scan("", kRowsEnd, [&](std::string_view key, std::string_view value) {
    audit.Add(key, value);
    return true;
  });
  if (!scanned) return std::unexpected(scanned.error());
  return audit.Finish();
}

}  // namespace seshat

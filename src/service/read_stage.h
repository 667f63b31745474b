// ReadStage: reads that could not be served on the spot: they need a read index, or the disk, or a
// due key's expiry to be applied.
//
// One permit serves them all. They are executed in order, so a connection never sees time go back.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "owned_arguments.h"
#include "seshat/commands/read_execution.h"
#include "stage.h"

namespace seshat {

// Threads: as Stage, but for a walk on the read pool: until it returns the stage is the pool's.
class ReadStage final : public Stage {
 public:
  explicit ReadStage(StageSetup setup) : Stage(std::move(setup)) {}

  bool IsWrite() const override { return false; }
  // Before Launch.
  void Add(const CommandSpec& spec, Arguments arguments);
  // All its replies are in memory at once: what is left goes next.
  bool IsFull() const { return open_.size() >= kCommandsMax; }
  // Before Launch: a permit that is there already, and whether memory has been tried in vain.
  void UsePermit(const ReadPermit& permit, bool needs_disk);

  void OnDeadline() override;
  void Retry() override;

 private:
  static constexpr std::size_t kCommandsMax = 128;

  struct Open {
    std::size_t index = 0;  // into answers_
    OwnedArguments arguments;
  };
  // Why a walk over the open reads ended.
  enum class Pause { kNone, kWouldBlock, kKeyDue, kFailed };
  struct Walk {
    Pause pause = Pause::kNone;
    LogIndex applied_before;  // kKeyDue: as of before the read
    DueKey due;               // kKeyDue
  };

  void Start() override;
  void AskPermit();
  void OnPermit(Result<ReadPermit> permit);
  void WaitForLeader(const Error& why);
  // Executes open reads from `next_` on, in order, until one cannot be served.
  Walk Execute(ReadTier tier);
  void Continue(ReadTier tier);
  void ContinueOnPool();
  void OnWalked(Walk walk);
  void WaitForExpiry(Walk walk);

  std::vector<Open> open_;
  std::size_t next_ = 0;  // into open_
  std::optional<ReadPermit> permit_;
  bool needs_disk_ = false;
  bool on_pool_ = false;
};

}  // namespace seshat

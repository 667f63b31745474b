// A random user of the storage engine that remembers what it was promised.
//
// Everything that it writes carries its number in order, so that what is there after a failure says
// how far it reaches: at least to the last promise, exactly what a replay up to there gives, and
// the state never ahead of the log. It obeys the rules of the callers it stands for: only records
// that are durable are applied, and none that is applied is truncated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "faulty_disk.h"
#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"
#include "seshat/base/random.h"
#include "seshat/ports/fatal.h"
#include "seshat/storage/storage_engine.h"

namespace seshat {

// How often a test does it, or with which seed: more than by default when it is run by hand.
std::uint64_t NumberFromEnvironment(const char* name, std::uint64_t otherwise);

// Threads: owned by its user; the engine's threads call it back.
class RandomWorkload : public FatalHandler {
 public:
  RandomWorkload(const FaultyDisk& disk, std::filesystem::path data_dir, std::uint64_t seed)
      : disk_(disk), data_dir_(std::move(data_dir)), random_(seed) {}

  enum class Pace {
    kFree,
    kOneByOne,  // each log write is waited for: RocksDB 7.8.3 aborts when one thread syncs a log
                // file on which another's write has just failed
  };
  // Up to `steps` random operations; ends early when the node is stopped or the power fails. With
  // the power off nothing counts as promised.
  void Run(StorageEngine& engine, int steps, Pace pace = Pace::kFree);
  // One more log write. Pre: there is a group.
  void WriteOnce(StorageEngine& engine);

  // Compares the engine with what was promised, and takes what is there for promised from now on:
  // that is what a node does with what it reads at its start.
  // Errors: kFailedPrecondition, naming the first promise that is broken; whatever reading gave.
  Status Verify(StorageEngine& engine);
  // The same for the file IDENTITY.
  Status VerifyIdentity();

  void StopNode(const Error& why) override;
  // As in a process, nobody goes on before the word is here: it may take another thread a moment.
  void AwaitStop() override;
  // For a new process on the same data.
  void ForgetStop();
  std::vector<Error> stops() const;
  // Whether a snapshot or a state on its way in was given up: such a failure stops no node.
  bool was_refused() const { return was_refused_; }
  // Callbacks of log writes so far.
  std::uint64_t acknowledged() const;

 private:
  struct Group {
    std::string snapshot_row;
    std::vector<LogWrite> writes;           // all that were issued, in order; numbered from 1
    std::size_t writes_promised = 0;        // guarded by mutex_ while an engine runs
    std::vector<StateBatch> batches;        // and the states that were installed
    std::vector<LogIndex> batches_applied;  // how far each reaches
    std::size_t batches_promised = 0;
    // Numbers of the writes that installed a state, and of the batch that each stands for.
    std::map<std::size_t, std::size_t> installations;
    bool promised = false;
  };
  using Rows = std::map<std::string, std::string, std::less<>>;
  // A group's log after some of its writes.
  struct Log {
    LogIndex first{1};
    std::vector<std::string> values;
    std::string snapshot_row;

    LogIndex last() const { return LogIndex(first.value() + values.size() - 1); }
  };
  // A snapshot that was kept, or may have been: how many batches of each group it shows.
  using Shown = std::map<GroupId, std::size_t>;

  void CreateGroup(StorageEngine& engine);
  void WriteLog(StorageEngine& engine, GroupId id, Group& group);
  void WriteState(StorageEngine& engine, GroupId id, Group& group, bool clear);
  void CompactLog(StorageEngine& engine, GroupId id, Group& group);
  void InstallState(StorageEngine& engine, GroupId id, Group& group);
  void KeepSnapshot(StorageEngine& engine);
  void Issue(StorageEngine& engine, Group& group, LogWrite write);
  void NamePeer(StorageEngine& engine);
  void WriteNextIdentity();
  void AwaitPromises();
  bool Over() const;
  std::string RandomBytes();

  static Log LogAfter(const Group& group, std::size_t writes);
  static Rows StateAfter(const Group& group, std::size_t batches);
  Status VerifyLog(StorageEngine& engine, GroupId id, Group& group);
  Status VerifyState(StorageEngine& engine, GroupId id, Group& group);
  Status VerifyPeers(StorageEngine& engine);
  Status VerifySnapshots(StorageEngine& engine);

  const FaultyDisk& disk_;
  const std::filesystem::path data_dir_;
  Random random_;
  std::map<GroupId, Group> groups_;
  std::map<NodeId, std::string> peers_;                         // promised
  std::map<NodeId, std::vector<std::string>> unsure_of_peers_;  // written without an answer
  bool was_refused_ = false;
  std::uint64_t snapshots_ = 0;           // kept or tried: the index of the last
  std::uint64_t snapshots_promised_ = 0;  // the index of the newest
  std::map<std::uint64_t, Shown> shown_;  // by index
  std::uint64_t identities_ = 0;          // written
  std::uint64_t identities_promised_ = 0;

  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<Error> stops_ SESHAT_GUARDED_BY(mutex_);
  std::uint64_t issued_ SESHAT_GUARDED_BY(mutex_) = 0;
  std::uint64_t acknowledged_ SESHAT_GUARDED_BY(mutex_) = 0;
};

}  // namespace seshat

#include "node.h"

#include <utility>

#include <fmt/format.h>

#include "seshat/base/check.h"

namespace seshat {

struct SimNode::Process {
  Process(SimScheduler& scheduler, const SimClock& clock)
      : raft(std::make_unique<SimExecutor>(scheduler, clock)),
        apply(std::make_unique<SimExecutor>(scheduler, clock)),
        log_reader(std::make_unique<SimExecutor>(scheduler, clock)),
        io(std::make_unique<SimExecutor>(scheduler, clock)) {}

  ~Process() {
    // Death: what waits in the queues is gone before the driver is, as no task may run any more.
    io.reset();
    raft.reset();
    log_reader.reset();
    apply.reset();
  }

  std::vector<SimExecutor*> Executors() {
    return {raft.get(), apply.get(), log_reader.get(), io.get()};
  }

  GroupRegistry registry;
  std::shared_ptr<GroupDriver> driver;
  std::unique_ptr<SimExecutor> raft;
  std::unique_ptr<SimExecutor> apply;
  std::unique_ptr<SimExecutor> log_reader;
  std::unique_ptr<SimExecutor> io;
};

SimNode::SimNode(SimScheduler& scheduler, SimNetwork& network, SimNodeOptions options,
                 SimNodeObserver observer)
    : scheduler_(scheduler),
      network_(network),
      options_(std::move(options)),
      observer_(std::move(observer)),
      disk_(scheduler, options_.id),
      clock_(scheduler, options_.clock_at_start, options_.clock_drift_ppm),
      transport_(network, options_.id) {
  const Status created =
      disk_.CreateGroup(kSimGroup, InitialSnapshotRow(options_.configuration, clock_.WallNow()));
  SESHAT_CHECK(created.has_value());
}

SimNode::~SimNode() = default;

GroupDriverOptions SimNode::DriverOptions() const {
  GroupDriverOptions options;
  options.core.id = options_.id;
  options.core.seed = options_.seed + starts_;
  // Small bounds, so that a run of seconds reaches them.
  options.core.append_bytes_max = 2048;
  options.core.inflight_messages_max = 8;
  options.core.inflight_bytes_max = 16 << 10;
  options.core.uncommitted_bytes_max = 64 << 10;
  options.core.cached_bytes_max = 8 << 10;
  options.entry_bytes_max = 256;
  options.apply_bytes_max = 1024;
  return options;
}

void SimNode::Start() {
  SESHAT_CHECK(!is_running());
  ++starts_;
  scheduler_.Note("start", id(), starts_);
  auto process = std::make_unique<Process>(scheduler_, clock_);
  GroupPorts ports;
  ports.raft = process->raft.get();
  ports.apply = process->apply.get();
  ports.log_reader = process->log_reader.get();
  ports.clock = &clock_;
  ports.log = &disk_;
  ports.transport = &transport_;
  ports.fatal = this;
  auto machine = std::make_unique<RegisterMachine>(
      disk_, kSimGroup, [this](const AppliedFact& fact) { observer_.on_applied(id(), fact); });
  auto driver = GroupDriver::Open(kSimGroup, DriverOptions(), ports, std::move(machine));
  if (!driver) {
    return observer_.on_failure(fmt::format("node {} does not start from its own disk: {}",
                                            id().value(), driver.error().message()));
  }
  process->driver = *std::move(driver);
  process->registry.Add(kSimGroup, process->driver);
  process->driver->OnLeadershipChange([this](bool is_leader, Term term) {
    scheduler_.Note(is_leader ? "leads in term" : "follows in term", id(), term.value());
    if (is_leader) observer_.on_leader(id(), term);
  });
  process_ = std::move(process);
  is_paused_ = false;
  network_.Attach(id(), [this](NodeId from, const std::string& payload) {
    // Transport threads of a frozen process run once it goes on: the kernel keeps the bytes.
    PostToProcess([this, from, payload] {
      const Status status = process_->registry.Dispatch(from, payload);
      if (!status) observer_.on_failure("a message does not decode: " + status.error().message());
    });
  });
  process_->driver->Start();
}

void SimNode::Crash(bool loses_unsynced) {
  if (!is_running()) return;
  scheduler_.Note(loses_unsynced ? "power failure" : "killed", id());
  network_.Detach(id());
  process_.reset();
  is_paused_ = false;
  disk_.Crash(loses_unsynced);
}

void SimNode::StopGracefully() {
  if (!is_running()) return;
  scheduler_.Note("stops", id());
  network_.Detach(id());
  process_->driver->BeginStop([this, start = starts_] {
    scheduler_.After(Duration(0), [this, start] {
      if (starts_ == start) Crash(false);
    });
  });
}

void SimNode::SetPaused(bool is_paused) {
  if (!is_running() || is_paused == is_paused_) return;
  scheduler_.Note(is_paused ? "paused" : "resumed", id());
  is_paused_ = is_paused;
  for (SimExecutor* executor : process_->Executors()) executor->SetPaused(is_paused);
  disk_.SetPaused(is_paused);
}

GroupDriver& SimNode::driver() {
  SESHAT_CHECK(is_running());
  return *process_->driver;
}

void SimNode::PostToProcess(UniqueFunction<void()> task) {
  if (is_running()) process_->io->Post(std::move(task));
}

void SimNode::StopNode(const Error& why) {
  observer_.on_failure(fmt::format("node {} stops itself: {}", id().value(), why.message()));
}

}  // namespace seshat

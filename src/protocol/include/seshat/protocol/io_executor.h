// An Executor on a thread of its own, with an Asio event loop that sockets may share.
#pragma once

#include <memory>
#include <string>

#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/executor.h"

namespace asio {
class io_context;
}  // namespace asio

namespace seshat {

// Many Posts while the thread is busy cost one wake-up: tasks wait in one queue that is emptied in
// one turn of the loop.
// Threads: thread-safe, except where a member says otherwise.
class IoExecutor final : public Executor {
 public:
  // Starts the thread. `thread_name` is cut to 15 bytes. `clock` outlives this.
  IoExecutor(const std::string& thread_name, const Clock& clock);
  // Stops.
  ~IoExecutor() override;
  IoExecutor(const IoExecutor&) = delete;
  IoExecutor& operator=(const IoExecutor&) = delete;

  void Post(UniqueFunction<void()> task) override;
  void PostAt(MonotonicTime when, UniqueFunction<void()> task) override;

  // `at_turn_end` runs on the thread after each turn of tasks. Pre: nothing has been posted yet.
  void SetTurnEnd(UniqueFunction<void()> at_turn_end);

  // For sockets whose handlers are to run on this thread, between turns.
  asio::io_context& context();

  // Runs what has been posted until now, then joins the thread. What is posted later, and what
  // waits for its time, is dropped. May be called twice; not from the thread itself.
  void Stop();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace seshat

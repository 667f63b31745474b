// WriteCensus: no write is applied more often than clients sent it.
//
// Most writes carry a value of their own, so the second time is seen at once; in the history of
// what clients heard it may pass for another write, whose outcome is unknown.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "connection.h"

namespace seshat {

// Threads: owned by the simulation's thread.
class WriteCensus {
 public:
  // `fail` is told of each violation.
  explicit WriteCensus(std::function<void(std::string)> fail) : fail_(std::move(fail)) {}

  void OnSent(const CommandText& command) { ++sent_[command]; }
  // A log record, once for each that is applied by anybody.
  void OnCommitted(std::string_view record);

 private:
  const std::function<void(std::string)> fail_;
  std::map<CommandText, std::uint64_t> sent_;
  std::map<CommandText, std::uint64_t> applied_;
};

}  // namespace seshat

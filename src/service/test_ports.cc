#include "test_ports.h"

#include <algorithm>

#include "seshat/base/check.h"

namespace seshat {
void TestLoop::Run() {
  while (!ready_.empty()) {
    UniqueFunction<void()> task = std::move(ready_.front());
    ready_.pop_front();
    task();
  }
}

void TestLoop::Advance(Duration span) {
  const MonotonicTime until = now_ + span;
  Run();
  while (!timers_.empty() && timers_.begin()->first.first <= until) {
    auto timer = timers_.extract(timers_.begin());
    now_ = std::max(now_, timer.key().first);
    timer.mapped()();
    Run();
  }
  now_ = until;
}

std::vector<GroupId> MemoryLogStore::Groups() const {
  std::vector<GroupId> ids;
  for (const auto& [id, group] : groups_) ids.push_back(id);
  return ids;
}

Status MemoryLogStore::CreateGroup(GroupId group, std::string snapshot_row) {
  groups_[group].snapshot_row = std::move(snapshot_row);
  return {};
}

Result<LogContents> MemoryLogStore::Load(GroupId group) {
  const Group& found = groups_.at(group);
  LogContents contents{.state_row = found.state_row,
                       .snapshot_row = found.snapshot_row,
                       .first_index = found.first_index,
                       .last_index = found.first_index.Previous()};
  if (!found.records.empty()) {
    contents.last_index = std::max(contents.last_index, found.records.rbegin()->first);
  }
  return contents;
}

Result<std::vector<LogRecord>> MemoryLogStore::Read(GroupId group, LogIndex first, LogIndex end,
                                                    std::size_t) {
  const Group& found = groups_.at(group);
  if (first < found.first_index) {
    return MakeError(ErrorCode::kNotFound, "the record is not in the log any more");
  }
  std::vector<LogRecord> records;
  for (const auto& [index, value] : found.records) {
    if (index >= first && index < end) records.push_back({index, value});
  }
  return records;
}

void MemoryLogStore::Write(LogWrite write, UniqueFunction<void()> on_durable) {
  SESHAT_CHECK_MSG(write.install == nullptr, "this store has no state to install");
  Group& group = groups_.at(write.group);
  if (write.start.has_value()) {
    group.first_index = write.start->first_index;
    group.snapshot_row = std::move(write.start->snapshot_row);
  }
  if (write.truncate_from.has_value()) {
    std::erase_if(group.records,
                  [&](const auto& record) { return record.first >= *write.truncate_from; });
  }
  for (LogRecord& record : write.records) group.records[record.index] = std::move(record.value);
  if (write.state_row.has_value()) group.state_row = std::move(write.state_row);
  loop_.Post(std::move(on_durable));
}

void MemoryLogStore::RemoveCompacted(GroupId group) {
  Group& found = groups_.at(group);
  found.records.erase(found.records.begin(), found.records.lower_bound(found.first_index));
}

TestTransport::PendingCall TestTransport::TakeCall() {
  SESHAT_CHECK(!calls.empty());
  PendingCall call = std::move(calls.front());
  calls.pop_front();
  return call;
}

struct TestMetrics::Cell : Counter, Gauge, Histogram {
  explicit Cell(double& to) : value(to) {}
  void Increment(double by) override { value += by; }
  void Set(double to) override { value = to; }
  void Add(double by) override { value += by; }
  void Observe(double) override { value += 1; }
  double& value;
};

TestMetrics::Cell& TestMetrics::CellOf(const std::string& name, const MetricLabels& labels) {
  std::string key = name + "{";
  for (const auto& [label, value] : labels) {
    if (key.back() != '{') key += ',';
    key.append(label).append("=").append(value);
  }
  key += "}";
  std::shared_ptr<Cell>& cell = cells_[key];
  if (cell == nullptr) cell = std::make_shared<Cell>(values[key]);
  return *cell;
}

Counter& TestMetrics::GetCounter(const std::string& name, const std::string&,
                                 const MetricLabels& labels) {
  return CellOf(name, labels);
}

Gauge& TestMetrics::GetGauge(const std::string& name, const std::string&,
                             const MetricLabels& labels) {
  return CellOf(name, labels);
}

Histogram& TestMetrics::GetHistogram(const std::string& name, const std::string&,
                                     const MetricLabels& labels, const std::vector<double>&) {
  return CellOf(name, labels);
}

}  // namespace seshat

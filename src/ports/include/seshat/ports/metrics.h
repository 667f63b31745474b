// Counters, gauges and histograms, named by the specification; exported by admin.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace seshat {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Threads: thread-safe, and cheap enough for the hot path.
class Counter {
 public:
  virtual ~Counter() = default;
  virtual void Increment(double by = 1) = 0;
};

// Threads: thread-safe.
class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void Set(double value) = 0;
  virtual void Add(double by) = 0;
};

// Threads: thread-safe.
class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void Observe(double value) = 0;
};

// Asking twice for the same name and labels gives the same object, which lives as long as this.
// Threads: thread-safe; look-ups may lock, so keep the reference.
class Metrics {
 public:
  virtual ~Metrics() = default;

  virtual Counter& GetCounter(const std::string& name, const std::string& help,
                              const MetricLabels& labels) = 0;
  virtual Gauge& GetGauge(const std::string& name, const std::string& help,
                          const MetricLabels& labels) = 0;
  // `bounds`: upper bounds of the buckets, ascending.
  virtual Histogram& GetHistogram(const std::string& name, const std::string& help,
                                  const MetricLabels& labels,
                                  const std::vector<double>& bounds) = 0;
};

}  // namespace seshat

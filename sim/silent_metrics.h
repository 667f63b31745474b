// SilentMetrics: metrics that nobody reads.
#pragma once

#include <string>
#include <vector>

#include "seshat/ports/metrics.h"

namespace seshat {

// Threads: owned by the simulation's thread.
class SilentMetrics final : public Metrics {
 public:
  Counter& GetCounter(const std::string&, const std::string&, const MetricLabels&) override {
    return value_;
  }
  Gauge& GetGauge(const std::string&, const std::string&, const MetricLabels&) override {
    return value_;
  }
  Histogram& GetHistogram(const std::string&, const std::string&, const MetricLabels&,
                          const std::vector<double>&) override {
    return value_;
  }

 private:
  struct Value final : Counter, Gauge, Histogram {
    void Increment(double) override {}
    void Set(double) override {}
    void Add(double) override {}
    void Observe(double) override {}
  };
  Value value_;
};

}  // namespace seshat

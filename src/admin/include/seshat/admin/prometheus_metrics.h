// PrometheusMetrics: the Metrics port as Prometheus's text exposition.
//
// The instruments are our own atomics: prometheus-cpp takes a lock for each observation of a
// histogram, which the request path cannot afford. The library renders the text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "seshat/ports/metrics.h"

namespace seshat {

// Threads: thread-safe. Look-ups lock; the instruments do not.
class PrometheusMetrics final : public Metrics {
 public:
  PrometheusMetrics();
  ~PrometheusMetrics() override;

  // One name keeps one kind, and for histograms one set of bounds; anything else is our bug.
  Counter& GetCounter(const std::string& name, const std::string& help,
                      const MetricLabels& labels) override;
  Gauge& GetGauge(const std::string& name, const std::string& help,
                  const MetricLabels& labels) override;
  Histogram& GetHistogram(const std::string& name, const std::string& help,
                          const MetricLabels& labels, const std::vector<double>& bounds) override;

  // Everything, in the text exposition format 0.0.4, ordered by name and labels.
  std::string Render() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace seshat

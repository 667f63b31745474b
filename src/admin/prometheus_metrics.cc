#include "seshat/admin/prometheus_metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <map>

#include "seshat/base/check.h"
#include "seshat/base/mutex.h"

namespace seshat {
namespace {

// Threads: thread-safe.
class AtomicCounter final : public Counter {
 public:
  void Increment(double by) override { value_.fetch_add(by, std::memory_order_relaxed); }
  double Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Threads: thread-safe.
class AtomicGauge final : public Gauge {
 public:
  void Set(double value) override { value_.store(value, std::memory_order_relaxed); }
  void Add(double by) override { value_.fetch_add(by, std::memory_order_relaxed); }
  double Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

constexpr std::size_t kHistogramShards = 4;

// Threads spread over the shards in the order in which they first observe something.
std::size_t ThisThreadsShard() {
  static std::atomic<std::size_t> next_shard{0};
  thread_local const std::size_t shard =
      next_shard.fetch_add(1, std::memory_order_relaxed) % kHistogramShards;
  return shard;
}

// Sharded so that I/O threads do not pull one cache line to and fro.
// Threads: thread-safe.
class ShardedHistogram final : public Histogram {
 public:
  explicit ShardedHistogram(const std::vector<double>& bounds) : bounds_(bounds) {
    for (Shard& shard : shards_) {
      shard.counts = std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1);
    }
  }

  void Observe(double value) override {
    Shard& shard = shards_[ThisThreadsShard()];
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    shard.counts[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    shard.sum.fetch_add(value, std::memory_order_relaxed);
  }

  prometheus::ClientMetric::Histogram Collect() const {
    prometheus::ClientMetric::Histogram histogram;
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i <= bounds_.size(); ++i) {
      for (const Shard& shard : shards_) {
        cumulative += shard.counts[i].load(std::memory_order_relaxed);
      }
      prometheus::ClientMetric::Bucket bucket;
      bucket.cumulative_count = cumulative;
      bucket.upper_bound =
          i < bounds_.size() ? bounds_[i] : std::numeric_limits<double>::infinity();
      histogram.bucket.push_back(bucket);
    }
    histogram.sample_count = cumulative;
    for (const Shard& shard : shards_) {
      histogram.sample_sum += shard.sum.load(std::memory_order_relaxed);
    }
    return histogram;
  }

  const std::vector<double>& bounds() const { return bounds_; }

 private:
  struct alignas(64) Shard {
    std::unique_ptr<std::atomic<std::uint64_t>[]> counts;
    std::atomic<double> sum{0};
  };

  const std::vector<double> bounds_;
  std::array<Shard, kHistogramShards> shards_;
};

// What one name holds; only the map of its kind is used.
struct Family {
  prometheus::MetricType type = prometheus::MetricType::Untyped;
  std::string help;
  std::map<MetricLabels, std::unique_ptr<AtomicCounter>> counters;
  std::map<MetricLabels, std::unique_ptr<AtomicGauge>> gauges;
  std::map<MetricLabels, std::unique_ptr<ShardedHistogram>> histograms;
};

prometheus::ClientMetric WithLabels(const MetricLabels& labels) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  return metric;
}

prometheus::MetricFamily Collect(const std::string& name, const Family& family) {
  prometheus::MetricFamily out;
  out.name = name;
  out.help = family.help;
  out.type = family.type;
  for (const auto& [labels, counter] : family.counters) {
    prometheus::ClientMetric metric = WithLabels(labels);
    metric.counter.value = counter->Value();
    out.metric.push_back(std::move(metric));
  }
  for (const auto& [labels, gauge] : family.gauges) {
    prometheus::ClientMetric metric = WithLabels(labels);
    metric.gauge.value = gauge->Value();
    out.metric.push_back(std::move(metric));
  }
  for (const auto& [labels, histogram] : family.histograms) {
    prometheus::ClientMetric metric = WithLabels(labels);
    metric.histogram = histogram->Collect();
    out.metric.push_back(std::move(metric));
  }
  return out;
}

}  // namespace

// Threads: guarded by `mutex_`.
class PrometheusMetrics::Impl {
 public:
  Counter& GetCounter(const std::string& name, const std::string& help,
                      const MetricLabels& labels) {
    MutexLock lock(mutex_);
    auto& counter = FamilyOf(name, help, prometheus::MetricType::Counter).counters[labels];
    if (counter == nullptr) counter = std::make_unique<AtomicCounter>();
    return *counter;
  }

  Gauge& GetGauge(const std::string& name, const std::string& help, const MetricLabels& labels) {
    MutexLock lock(mutex_);
    auto& gauge = FamilyOf(name, help, prometheus::MetricType::Gauge).gauges[labels];
    if (gauge == nullptr) gauge = std::make_unique<AtomicGauge>();
    return *gauge;
  }

  Histogram& GetHistogram(const std::string& name, const std::string& help,
                          const MetricLabels& labels, const std::vector<double>& bounds) {
    SESHAT_CHECK(std::is_sorted(bounds.begin(), bounds.end()));
    MutexLock lock(mutex_);
    auto& histogram = FamilyOf(name, help, prometheus::MetricType::Histogram).histograms[labels];
    if (histogram == nullptr) histogram = std::make_unique<ShardedHistogram>(bounds);
    SESHAT_CHECK_MSG(histogram->bounds() == bounds, name);
    return *histogram;
  }

  std::string Render() const {
    std::vector<prometheus::MetricFamily> families;
    {
      MutexLock lock(mutex_);
      for (const auto& [name, family] : families_) families.push_back(Collect(name, family));
    }
    return prometheus::TextSerializer().Serialize(families);
  }

 private:
  Family& FamilyOf(const std::string& name, const std::string& help, prometheus::MetricType type)
      SESHAT_REQUIRES(mutex_) {
    Family& family = families_[name];
    if (family.type == prometheus::MetricType::Untyped) {
      family.type = type;
      family.help = help;
    }
    SESHAT_CHECK_MSG(family.type == type, name);
    return family;
  }

  mutable Mutex mutex_;
  std::map<std::string, Family> families_ SESHAT_GUARDED_BY(mutex_);
};

PrometheusMetrics::PrometheusMetrics() : impl_(std::make_unique<Impl>()) {}
PrometheusMetrics::~PrometheusMetrics() = default;

Counter& PrometheusMetrics::GetCounter(const std::string& name, const std::string& help,
                                       const MetricLabels& labels) {
  return impl_->GetCounter(name, help, labels);
}

Gauge& PrometheusMetrics::GetGauge(const std::string& name, const std::string& help,
                                   const MetricLabels& labels) {
  return impl_->GetGauge(name, help, labels);
}

Histogram& PrometheusMetrics::GetHistogram(const std::string& name, const std::string& help,
                                           const MetricLabels& labels,
                                           const std::vector<double>& bounds) {
  return impl_->GetHistogram(name, help, labels, bounds);
}

std::string PrometheusMetrics::Render() const {
  return impl_->Render();
}

}  // namespace seshat

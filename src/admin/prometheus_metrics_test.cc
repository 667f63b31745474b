#include "seshat/admin/prometheus_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace seshat {
namespace {

using ::testing::HasSubstr;

TEST(PrometheusMetricsTest, RendersACounterWithHelpTypeAndLabels) {
  PrometheusMetrics metrics;

  metrics.GetCounter("requests_total", "Requests.", {{"node_id", "1"}, {"command", "get"}})
      .Increment(3);

  const std::string text = metrics.Render();
  EXPECT_THAT(text, HasSubstr("# HELP requests_total Requests."));
  EXPECT_THAT(text, HasSubstr("# TYPE requests_total counter"));
  EXPECT_THAT(text, HasSubstr("requests_total{node_id=\"1\",command=\"get\"} 3"));
}

TEST(PrometheusMetricsTest, SameNameAndLabelsGiveTheSameInstrument) {
  PrometheusMetrics metrics;

  Gauge& first = metrics.GetGauge("raft_term", "Term.", {{"raft_group", "0"}});
  Gauge& second = metrics.GetGauge("raft_term", "Term.", {{"raft_group", "0"}});
  Gauge& other = metrics.GetGauge("raft_term", "Term.", {{"raft_group", "1"}});

  EXPECT_EQ(&first, &second);
  EXPECT_NE(&first, &other);
}

TEST(PrometheusMetricsTest, GaugeKeepsTheLastValueSetAndWhatIsAdded) {
  PrometheusMetrics metrics;
  Gauge& gauge = metrics.GetGauge("requests_in_flight", "In flight.", {});

  gauge.Set(5);
  gauge.Add(-2);

  EXPECT_THAT(metrics.Render(), HasSubstr("requests_in_flight 3"));
}

TEST(PrometheusMetricsTest, HistogramCountsAValueOnABoundInThatBucket) {
  PrometheusMetrics metrics;
  Histogram& histogram = metrics.GetHistogram("seconds", "S.", {}, {0.25, 0.5});

  histogram.Observe(0.25);
  histogram.Observe(0.3);
  histogram.Observe(9);

  const std::string text = metrics.Render();
  EXPECT_THAT(text, HasSubstr("seconds_bucket{le=\"0.25\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("seconds_bucket{le=\"0.5\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("seconds_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("seconds_count 3\n"));
}

TEST(PrometheusMetricsTest, ObservationsFromManyThreadsAreAllCounted) {
  PrometheusMetrics metrics;
  Histogram& histogram = metrics.GetHistogram("seconds", "S.", {}, {1});

  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&histogram] {
      for (int j = 0; j < 1000; ++j) histogram.Observe(0.5);
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_THAT(metrics.Render(), HasSubstr("seconds_count 6000\n"));
  EXPECT_THAT(metrics.Render(), HasSubstr("seconds_sum 3000\n"));
}

TEST(PrometheusMetricsTest, LabelValuesAreEscaped) {
  PrometheusMetrics metrics;

  metrics.GetCounter("c", "C.", {{"command", "a\"b\nc"}}).Increment();

  EXPECT_THAT(metrics.Render(), HasSubstr("command=\"a\\\"b\\nc\""));
}

}  // namespace
}  // namespace seshat

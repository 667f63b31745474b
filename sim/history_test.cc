#include "history.h"

#include <gtest/gtest.h>

namespace seshat {
namespace {

Operation Write(std::uint64_t value, std::int64_t called, std::int64_t returned) {
  Operation operation;
  operation.kind = Operation::Kind::kWrite;
  operation.written = value;
  operation.called = SimTime(called);
  if (returned > 0) operation.returned = SimTime(returned);
  return operation;
}

Operation Read(std::uint64_t seen, std::int64_t called, std::int64_t returned) {
  Operation operation;
  operation.seen = seen;
  operation.called = SimTime(called);
  operation.returned = SimTime(returned);
  return operation;
}

Operation CompareAndSet(std::uint64_t expected, std::uint64_t value, std::uint64_t seen,
                        std::int64_t called, std::int64_t returned) {
  Operation operation = Write(value, called, returned);
  operation.kind = Operation::Kind::kCompareAndSet;
  operation.expected = expected;
  operation.seen = seen;
  return operation;
}

constexpr std::int64_t kUnknown = 0;

TEST(HistoryTest, OneAfterTheOtherIsLinearizable) {
  EXPECT_EQ(FindAnomaly({Write(1, 0, 10), Read(1, 20, 30), Write(2, 40, 50), Read(2, 60, 70)}),
            std::nullopt);
}

TEST(HistoryTest, AReadBesideAWriteMaySeeEither) {
  EXPECT_EQ(FindAnomaly({Write(1, 0, 100), Read(0, 10, 20), Read(1, 30, 40)}), std::nullopt);
}

TEST(HistoryTest, AStaleReadIsFound) {
  EXPECT_NE(FindAnomaly({Write(1, 0, 10), Write(2, 20, 30), Read(1, 40, 50)}), std::nullopt);
}

TEST(HistoryTest, ReadsThatGoBackAreFoundEvenBesideTheWrite) {
  EXPECT_NE(FindAnomaly({Write(1, 0, 100), Read(1, 10, 20), Read(0, 30, 40)}), std::nullopt);
}

TEST(HistoryTest, ALostWriteIsFound) {
  EXPECT_NE(FindAnomaly({Write(1, 0, 10), Read(0, 20, 30)}), std::nullopt);
}

TEST(HistoryTest, AWriteOfUnknownOutcomeMayTakeEffectLateOrNever) {
  EXPECT_EQ(FindAnomaly({Write(1, 0, kUnknown), Read(0, 10, 20), Read(0, 30, 40)}), std::nullopt);
  EXPECT_EQ(FindAnomaly({Write(1, 0, kUnknown), Read(0, 10, 20), Read(1, 30, 40)}), std::nullopt);
}

TEST(HistoryTest, AWriteOfUnknownOutcomeTakesEffectOnlyOnce) {
  EXPECT_NE(
      FindAnomaly({Write(1, 0, kUnknown), Read(1, 10, 20), Write(2, 30, 40), Read(1, 50, 60)}),
      std::nullopt);
}

TEST(HistoryTest, AValueThatNobodyMayHaveWrittenIsFound) {
  EXPECT_NE(FindAnomaly({Read(9, 0, 10)}), std::nullopt);
}

TEST(HistoryTest, AValueSeenBeforeItWasWrittenIsFound) {
  EXPECT_NE(FindAnomaly({Read(1, 0, 10), Write(1, 20, kUnknown)}), std::nullopt);
}

TEST(HistoryTest, TwoCompareAndSetsOfOneValueCannotBothSucceed) {
  EXPECT_NE(FindAnomaly({CompareAndSet(0, 1, 0, 0, 10), CompareAndSet(0, 2, 0, 0, 10)}),
            std::nullopt);
}

TEST(HistoryTest, AFailedCompareAndSetCountsAsARead) {
  EXPECT_EQ(FindAnomaly({Write(1, 0, 10), CompareAndSet(7, 2, 1, 20, 30), Read(1, 40, 50)}),
            std::nullopt);
  EXPECT_NE(FindAnomaly({Write(1, 0, 10), CompareAndSet(7, 2, 0, 20, 30)}), std::nullopt);
}

TEST(HistoryTest, ACompareAndSetOfUnknownOutcomeThatWasSeenHasSeenWhatItExpected) {
  EXPECT_EQ(
      FindAnomaly({Write(1, 0, kUnknown), CompareAndSet(1, 2, 0, 10, kUnknown), Read(2, 30, 40)}),
      std::nullopt);
}

}  // namespace
}  // namespace seshat

// Chunks of snapshots as bytes: what comes back, and what damaged or foreign bytes give.
#include "snapshot_chunk.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace seshat {
namespace {

using Row = std::pair<std::string, std::string>;

std::string ChunkOf(const std::vector<Row>& rows, std::string_view after_key, bool is_last) {
  ChunkWriter writer;
  for (const auto& [key, value] : rows) writer.Add(key, value);
  return writer.Finish(after_key, is_last);
}

std::vector<Row> RowsOf(const SnapshotChunk& chunk) {
  std::vector<Row> rows;
  const Status read = chunk.ForEach([&](std::string_view key, std::string_view value) -> Status {
    rows.emplace_back(key, value);
    return {};
  });
  EXPECT_TRUE(read.has_value());
  return rows;
}

TEST(SnapshotChunkTest, ARequestComesBackAsItWas) {
  const SnapshotChunkRequest request{.group = GroupId(3),
                                     .index = LogIndex(70),
                                     .term = Term(4),
                                     .after_key = std::string("a\0b", 3)};

  const Result<SnapshotChunkRequest> back = DecodeChunkRequest(EncodeChunkRequest(request));

  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->group, request.group);
  EXPECT_EQ(back->index, request.index);
  EXPECT_EQ(back->term, request.term);
  EXPECT_EQ(back->after_key, request.after_key);
}

RC_GTEST_PROP(SnapshotChunkTest, RowsComeBackAsTheyWere,
              (const std::map<std::string, std::string>& drawn, const std::string& after_key)) {
  const std::vector<Row> rows(drawn.begin(), drawn.end());

  const Result<SnapshotChunk> chunk = DecodeChunk(ChunkOf(rows, after_key, false), after_key);

  RC_ASSERT(chunk.has_value());
  RC_ASSERT(!chunk->is_last && !chunk->is_gone);
  RC_ASSERT(RowsOf(*chunk) == rows);
  RC_ASSERT(chunk->LastKey() == (rows.empty() ? "" : rows.back().first));
}

TEST(SnapshotChunkTest, TheEndAndALackAreTold) {
  const Result<SnapshotChunk> last = DecodeChunk(ChunkOf({}, "z", true), "z");
  const Result<SnapshotChunk> gone = DecodeChunk(EncodeChunkGone(), "z");

  ASSERT_TRUE(last.has_value() && gone.has_value());
  EXPECT_TRUE(last->is_last);
  EXPECT_FALSE(last->is_gone);
  EXPECT_TRUE(gone->is_gone);
}

TEST(SnapshotChunkTest, AChunkOfAnotherPlaceIsCorruption) {
  const Result<SnapshotChunk> chunk = DecodeChunk(ChunkOf({{"k", "v"}}, "a", true), "b");

  ASSERT_FALSE(chunk.has_value());
  EXPECT_EQ(chunk.error().code(), ErrorCode::kCorruption);
}

// A flip is noticed, or it was in what does not matter to the rows.
RC_GTEST_PROP(SnapshotChunkTest, AFlippedBitNeverChangesARow, (std::string value)) {
  const std::vector<Row> rows = {{"key-1", value}, {"key-2", std::string(300, 'x')}};
  std::string bytes = ChunkOf(rows, "", true);
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  bytes[at] = static_cast<char>(bytes[at] ^ (1 << *rc::gen::inRange(0, 8)));

  const Result<SnapshotChunk> chunk = DecodeChunk(bytes, "");

  if (chunk && !chunk->is_gone) RC_ASSERT(RowsOf(*chunk) == rows);
}

RC_GTEST_PROP(SnapshotChunkTest, ACutChunkIsAnErrorOrWhole, (std::string value)) {
  const std::string bytes = ChunkOf({{"key", value}}, "", true);
  const auto size = *rc::gen::inRange<std::size_t>(0, bytes.size());

  const Result<SnapshotChunk> chunk = DecodeChunk(bytes.substr(0, size), "");

  if (chunk) RC_ASSERT(RowsOf(*chunk) == (std::vector<Row>{{"key", value}}));
}

}  // namespace
}  // namespace seshat

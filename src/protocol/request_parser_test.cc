#include "seshat/resp/request_parser.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "seshat/resp/reply_encoder.h"

namespace seshat {
namespace {

using Request = std::vector<std::string>;

std::string Encode(const Request& request) {
  std::string wire;
  EncodeArrayHeader(request.size(), wire);
  for (const std::string& argument : request) EncodeBulk(argument, wire);
  return wire;
}

// What a connection does, with a buffer of exactly the unread bytes: reading past it is caught by
// AddressSanitizer.
class Connection {
 public:
  void Receive(std::string_view bytes) {
    unread_.append(bytes);
    while (error_.empty()) {
      const auto exact = std::make_unique<char[]>(unread_.size());
      std::ranges::copy(unread_, exact.get());
      batch_.Clear();
      const ParseProgress progress =
          parser_.Parse({exact.get(), unread_.size()}, limits_, 3, batch_);
      for (const Arguments& arguments : batch_.requests()) {
        requests_.emplace_back(arguments.begin(), arguments.end());
      }
      unread_.erase(0, progress.consumed);
      error_ = progress.error;
      if (batch_.size() < 3) break;
    }
  }

  const std::vector<Request>& requests() const { return requests_; }
  const std::string& error() const { return error_; }
  const std::string& unread() const { return unread_; }

 private:
  RequestLimits limits_;
  RequestParser parser_;
  RequestBatch batch_;
  std::string unread_;
  std::vector<Request> requests_;
  std::string error_;
};

// Splits `wire` at arbitrary points and feeds the parts.
Connection ReceiveInPieces(const std::string& wire) {
  Connection connection;
  std::size_t at = 0;
  while (at < wire.size()) {
    const auto bytes = *rc::gen::inRange<std::size_t>(1, wire.size() - at + 1);
    connection.Receive(std::string_view(wire).substr(at, bytes));
    at += bytes;
  }
  return connection;
}

// Bytes that look like the protocol more often than random ones do.
rc::Gen<std::string> GenWireLike() {
  return rc::gen::map(
      rc::gen::container<std::vector<std::string>>(rc::gen::oneOf(
          rc::gen::element<std::string>("*1\r\n", "*2\r\n", "$3\r\n", "$0\r\n", "foo", "\r\n", "\n",
                                        "*-1\r\n", "PING ", "\"", "'", "\\", "\\x4", "$", "*"),
          rc::gen::string<std::string>())),
      [](const std::vector<std::string>& parts) {
        std::string wire;
        for (const std::string& part : parts) wire += part;
        return wire;
      });
}

RC_GTEST_PROP(RequestParserProperty, WhatIsEncodedIsParsedWhateverTheSplit,
              (const std::vector<Request>& input)) {
  std::vector<Request> expected;
  std::string wire;
  for (const Request& request : input) {
    wire += Encode(request);
    if (!request.empty()) expected.push_back(request);
  }

  const Connection connection = ReceiveInPieces(wire);

  RC_ASSERT(connection.error().empty());
  RC_ASSERT(connection.unread().empty());
  RC_ASSERT(connection.requests() == expected);
}

RC_GTEST_PROP(RequestParserProperty, AnyBytesGiveTheSameWhateverTheSplit, ()) {
  const std::string wire = *GenWireLike();
  Connection whole;
  whole.Receive(wire);

  const Connection pieces = ReceiveInPieces(wire);

  RC_ASSERT(pieces.requests() == whole.requests());
  RC_ASSERT(pieces.error() == whole.error());
}

TEST(RequestParserTest, ArgumentsAreViewsIntoTheBuffer) {
  RequestParser parser;
  RequestBatch batch;
  const std::string buffer = "*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\nPING x\r\n";

  parser.Parse(buffer, {}, 10, batch);

  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(batch.requests()[0][1].data(), buffer.data() + 18);
  EXPECT_EQ(batch.requests()[1][1].data(), buffer.data() + 27);
}

TEST(RequestParserTest, TellsHowMuchOfAnArgumentIsMissing) {
  RequestParser parser;
  RequestBatch batch;

  const ParseProgress progress = parser.Parse("*2\r\n$3\r\nSET\r\n$100\r\nabcde", {}, 10, batch);

  EXPECT_EQ(progress.missing, 97u);
  EXPECT_EQ(progress.consumed, 0u);
}

TEST(RequestParserTest, StopsAtTheRequestsAskedFor) {
  RequestParser parser;
  RequestBatch batch;
  const std::string buffer = "A\r\nB\r\nC\r\n";

  const ParseProgress progress = parser.Parse(buffer, {}, 2, batch);

  EXPECT_EQ(progress.consumed, 6u);
  EXPECT_EQ(batch.size(), 2u);
}

TEST(RequestParserTest, LimitsMayRiseBetweenRequests) {
  RequestParser parser;
  RequestBatch batch;
  RequestLimits limits;
  limits.unauthenticated = true;
  const std::string wide = Encode(Request(11, "x"));
  ASSERT_EQ(parser.Parse(Encode({"AUTH", "pw"}), limits, 10, batch).error, "");

  limits.unauthenticated = false;

  EXPECT_EQ(parser.Parse(wide, limits, 10, batch).error, "");
  EXPECT_EQ(batch.size(), 2u);
}

// A parser that started over at each call would need a minute for this.
TEST(RequestParserTest, ManySmallPiecesCostNoRescans) {
  Request request(100'000, "v");
  const std::string wire = Encode(request);
  RequestParser parser;
  RequestBatch batch;

  std::size_t consumed = 0;
  for (std::size_t end = 1; end <= wire.size(); ++end) {
    consumed = parser.Parse(std::string_view(wire).substr(0, end), {}, 10, batch).consumed;
  }

  EXPECT_EQ(consumed, wire.size());
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch.requests()[0].size(), request.size());
}

TEST(RequestParserTest, TheLargestArgumentPasses) {
  RequestParser parser;
  RequestBatch batch;
  const std::string wire = Encode({"SET", "k", std::string(16 * 1024 * 1024, 'v')});

  EXPECT_EQ(parser.Parse(wire, {}, 10, batch).error, "");

  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch.requests()[0][2].size(), 16u * 1024 * 1024);
}

}  // namespace
}  // namespace seshat

// Errors between layers: a code to act on and a message for people. No exception leaves a layer.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace seshat {

enum class ErrorCode {
  kInvalidArgument,     // the caller's input is wrong; the message says what is allowed
  kFailedPrecondition,  // the state forbids it; nothing was done
  kNotFound,
  kResourceExhausted,  // a configured bound was reached; nothing was done, may be retried later
  kUnavailable,        // not reachable or not ready; nothing was done, safe to retry
  kOutcomeUnknown,     // may or may not have taken effect; must not be retried blindly
  kDeadlineExceeded,   // gave up waiting before anything was sent; nothing was done
  kPermissionDenied,   // handshake or authentication refused
  kCorruption,         // bytes on disk or wire fail their checksum or do not decode
  kIo,                 // the operating system refused; the message carries its text
  kCancelled,          // shutting down; nothing was done
};

// "invalid argument", "outcome unknown", ...: for logs.
std::string_view ToString(ErrorCode code);

// Threads: immutable but for WithContext.
class Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // Puts "context: " before the message on the way up.
  Error WithContext(std::string_view context) &&;

  bool operator==(const Error&) const = default;

 private:
  ErrorCode code_;
  std::string message_;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// The unexpected value of a Result: `return MakeError(ErrorCode::kIo, "...")`.
std::unexpected<Error> MakeError(ErrorCode code, std::string message);

}  // namespace seshat

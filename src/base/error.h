// Errors as values. Every function of ours that can fail returns Result<T> or Status (result.h)
// whose error side is this one type; nothing of ours throws.
//
// An Error says what failed, on which object, and what to do next. `code` is stable and documented
// in docs/errors.md; `message` is for people. Neither may hold a secret: text that comes from a
// library or a peer passes through ScrubSecrets (secret.h) first.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mms {

/// The closed list of what can go wrong. Retry rule, exit code and HTTP status each are one switch
/// over it without a default, so the compiler finds a kind that was forgotten. Never renumber: the
/// ledger keeps it.
enum class ErrorKind {
  kInvalidInput = 0,  ///< the user's file, flag or value is wrong
  kNotFound = 1,      ///< the named object does not exist
  kDenied = 2,        ///< credentials are wrong, expired, or lack a right
  kUnsupported = 3,   ///< refused by name: a feature we do not know or do not do
  kConflict = 4,      ///< the object is in another state than the call needs
  kThrottled = 5,     ///< the peer asks for less (429)
  kUnavailable = 6,   ///< no connection, time-out, 5xx; may pass
  kCorrupt = 7,       ///< bytes or counts that cannot be right
  kLimitReached = 8,  ///< a documented limit of a peer or of ours
  kCancelled = 9,     ///< a person or a signal stopped it
  kInternal = 10,     ///< a bug of ours
};

/// Stable text of a kind, as written in JSON output ("invalid_input").
std::string_view KindName(ErrorKind kind);

/// True when the same call may work later without anyone changing anything.
bool IsTransient(ErrorKind kind);

class [[nodiscard]] Error {
 public:
  Error(ErrorKind kind, std::string code, std::string message)
      : kind_(kind), code_(std::move(code)), message_(std::move(message)) {}

  ErrorKind kind() const { return kind_; }
  const std::string& code() const { return code_; }
  const std::string& message() const { return message_; }
  /// The object in hand when it failed ("table main.sales.orders"); outermost first, ": " between.
  const std::string& where() const { return where_; }
  /// Milliseconds the peer asked us to wait (Retry-After, HoldClientMillis); 0 = not said.
  long retry_after_ms() const { return retry_after_ms_; }
  /// HTTP status of the answer that carried the error; 0 = none.
  int http_status() const { return http_status_; }

  /// Names the object one level further out. Returns itself so that calls chain.
  Error At(std::string_view object) &&;
  Error RetryAfter(long ms) && {
    retry_after_ms_ = ms;
    return std::move(*this);
  }
  Error HttpStatus(int status) && {
    http_status_ = status;
    return std::move(*this);
  }

  /// One line for people: "where: message [code]".
  std::string ToString() const;

 private:
  ErrorKind kind_;
  std::string code_;
  std::string message_;
  std::string where_;
  long retry_after_ms_ = 0;
  int http_status_ = 0;
};

}  // namespace mms

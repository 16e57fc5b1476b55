// Result<T>: a value or an Error, with std::expected's member names (libstdc++ 12 has std::expected
// only in C++23 mode and without its monadic calls).
//
//   Result<int> Parse(std::string_view text);
//   Status Run() {
//     TRY(int n, Parse("7"));      // returns the error to our caller
//     TRY_VOID(Check(n));
//     return OkStatus();
//   }
#pragma once

#include <cstdio>
#include <cstdlib>
#include <utility>
#include <variant>

#include "base/error.h"

namespace mms {

/// Our own bugs end the process, in release too: the ledger recovers, a wrong row does not.
#define CHECK(condition)                                                                 \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & {
    CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    CHECK(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() & {
    CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }
  const Error& error() const& {
    CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    CHECK(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

/// The value of a call that only succeeds or fails.
struct Unit {};
using Status = Result<Unit>;
inline Status OkStatus() { return Status(Unit{}); }

}  // namespace mms

#define MMS_JOIN_INNER(a, b) a##b
#define MMS_JOIN(a, b) MMS_JOIN_INNER(a, b)
#define MMS_TRY(temporary, declaration, expression)                \
  auto temporary = (expression);                                   \
  if (!temporary.has_value()) return std::move(temporary).error(); \
  declaration = std::move(temporary).value()

/// TRY(auto x, Call()): x is the value, or our caller gets the error.
#define TRY(declaration, expression) \
  MMS_TRY(MMS_JOIN(mms_try_, __COUNTER__), declaration, expression)

#define TRY_VOID(expression)                                                   \
  do {                                                                         \
    auto mms_try_status = (expression);                                        \
    if (!mms_try_status.has_value()) return std::move(mms_try_status).error(); \
  } while (false)

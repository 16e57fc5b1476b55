#include "base/error.h"

namespace mms {

std::string_view KindName(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidInput: return "invalid_input";
    case ErrorKind::kNotFound: return "not_found";
    case ErrorKind::kDenied: return "denied";
    case ErrorKind::kUnsupported: return "unsupported";
    case ErrorKind::kConflict: return "conflict";
    case ErrorKind::kThrottled: return "throttled";
    case ErrorKind::kUnavailable: return "unavailable";
    case ErrorKind::kCorrupt: return "corrupt";
    case ErrorKind::kLimitReached: return "limit_reached";
    case ErrorKind::kCancelled: return "cancelled";
    case ErrorKind::kInternal: return "internal";
  }
  return "internal";
}

bool IsTransient(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kThrottled:
    case ErrorKind::kUnavailable: return true;
    case ErrorKind::kInvalidInput:
    case ErrorKind::kNotFound:
    case ErrorKind::kDenied:
    case ErrorKind::kUnsupported:
    case ErrorKind::kConflict:
    case ErrorKind::kCorrupt:
    case ErrorKind::kLimitReached:
    case ErrorKind::kCancelled:
    case ErrorKind::kInternal: return false;
  }
  return false;
}

Error Error::At(std::string_view object) && {
  where_ = where_.empty() ? std::string(object) : std::string(object) + ": " + where_;
  return std::move(*this);
}

std::string Error::ToString() const {
  std::string text = where_.empty() ? message_ : where_ + ": " + message_;
  return text + " [" + code_ + "]";
}

}  // namespace mms

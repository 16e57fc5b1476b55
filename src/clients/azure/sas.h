// A shared access signature: what can be told from its text before anything is asked of Azure.
// Pure.
//
// Source: Microsoft's "Create an account SAS" and "Create a service SAS": se = end, sp = rights,
// both in the query string; a SAS bound to a stored access policy (si=) may carry neither.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace mms::azure {

struct Sas {
  Secret token;                       ///< the query string, without '?'
  std::optional<int64_t> expires_ms;  ///< since 1970 UTC; nullopt = not told by the text
  std::string expires_text;           ///< as written, decoded; for messages
};

/// Takes a bare token, one with a leading '?', or a whole URL with the SAS as its query. Errors:
/// kInvalidInput STORAGE_SAS_MISSING, STORAGE_SAS_INVALID; kDenied STORAGE_SAS_RIGHTS when it may
/// not read or list. Expiry is not judged here.
Result<Sas> ParseSas(const Secret& text);

/// kDenied STORAGE_SAS_EXPIRED when the SAS ends at or before `now_ms`.
Status CheckNotExpired(const Sas& sas, int64_t now_ms);

/// "2030-01-02", "2030-01-02T03:04Z", "2030-01-02T03:04:05Z", with fractions of a second allowed.
std::optional<int64_t> ParseUtcMs(std::string_view text);

}  // namespace mms::azure
